// SPDX-License-Identifier: Apache-2.0
#include "common/grpc/server.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/base/ensure.hpp"
#include "common/grpc/client.hpp"
#include "common/grpc/connection.hpp"
#include "common/grpc/framing.hpp"
#include "common/grpc/status.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <variant>

namespace farhold::grpc {

namespace asio = boost::asio;

namespace {

using Handlers = std::map<std::string, Server::Handler, std::less<>>;

// A request that comes in or is being answered.
struct Incoming {
    Incoming(const Executor& executor, std::size_t message_bytes_max)
        : request(message_bytes_max), gone(executor) {}

    MessageAssembler request;
    Event gone;  // The client has reset the call, or is gone itself.
    const Server::Handler* handler = nullptr;
    std::optional<Duration> timeout;
};

Task<> answer(
    const Server::Handler& handler, std::string request, std::optional<Duration> timeout,
    std::optional<Result<std::string>>& outcome
) {
    auto task = handler(std::move(request));
    if (timeout) {
        outcome = co_await with_timeout(std::move(task), *timeout);
    } else {
        outcome = co_await std::move(task);
    }
}

Task<> wait_until_gone(std::shared_ptr<Incoming> incoming) {
    co_await incoming->gone.wait();
}

// One connection and its calls.
class Peer : public std::enable_shared_from_this<Peer> {
public:
    Peer(
        const Executor& executor, int descriptor, const ServerOptions& options,
        const Handlers& handlers, TaskGroup& group
    )
        : executor_(executor),
          message_bytes_max_(options.message_bytes_max),
          handlers_(handlers),
          group_(group),
          connection_(executor, descriptor, http2::Role::server, options.limits) {}

    Task<> run() {
        std::function<void(http2::Event)> handler = [this](http2::Event event) {
            std::visit([this](auto& what) { on(what); }, event);
        };
        co_await connection_.run(std::move(handler));
        for (auto& [id, incoming] : std::exchange(calls_, {})) {
            incoming->gone.set();
        }
    }

private:
    void on(const http2::HeadersReceived& event) {
        if (calls_.contains(event.stream)) {
            return;  // Trailers of a request say nothing to us.
        }
        if (!is_grpc(event.headers)) {
            const http2::Headers answer{{":status", "415"}};
            refuse(event.stream, answer);
            return;
        }
        const auto path = http2::find_header(event.headers, ":path").value_or("");
        const auto handler = handlers_.find(path);
        if (handler == handlers_.end()) {
            refuse(
                event.stream, fail(ErrorCode::unsupported, "unknown method " + std::string(path))
            );
            return;
        }
        const auto incoming = std::make_shared<Incoming>(executor_, message_bytes_max_);
        incoming->handler = &handler->second;
        if (const auto timeout = http2::find_header(event.headers, "grpc-timeout")) {
            incoming->timeout = parse_timeout(*timeout);
            if (!incoming->timeout) {
                refuse(event.stream, fail(ErrorCode::invalid_argument, "bad grpc-timeout"));
                return;
            }
        }
        calls_.emplace(event.stream, incoming);
    }

    void on(const http2::DataReceived& event) {
        connection_.session().consume(event.stream, event.bytes.size());
        const auto found = calls_.find(event.stream);
        if (found == calls_.end()) {
            return;
        }
        auto& request = found->second->request;
        auto fed = request.feed(event.bytes);
        if (fed && request.size() > 1) {
            fed = fail(ErrorCode::invalid_argument, "more than one request in a unary call");
        }
        if (!fed) {
            calls_.erase(found);
            refuse(event.stream, fed);
        }
    }

    void on(const http2::PeerEnded& event) {
        const auto found = calls_.find(event.stream);
        if (found == calls_.end()) {
            return;
        }
        const auto& incoming = found->second;
        auto request = incoming->request.take();
        if (!request || incoming->request.has_partial()) {
            calls_.erase(found);
            refuse(
                event.stream, fail(ErrorCode::invalid_argument, "the call has no whole request")
            );
            return;
        }
        group_.spawn(handle(shared_from_this(), event.stream, incoming, *std::move(request)));
    }

    void on(const http2::StreamClosed& event) {
        const auto found = calls_.find(event.stream);
        if (found != calls_.end()) {
            found->second->gone.set();
            calls_.erase(found);
        }
    }

    void on(const http2::GoawayReceived&) {}

    static Task<> handle(
        std::shared_ptr<Peer> self, http2::StreamId stream, std::shared_ptr<Incoming> incoming,
        std::string request
    ) {
        std::optional<Result<std::string>> outcome;
        co_await race(
            answer(*incoming->handler, std::move(request), incoming->timeout, outcome),
            wait_until_gone(incoming)
        );
        if (outcome) {
            self->reply(stream, *outcome);
        }
    }

    // The stream may have been closed meanwhile: then nobody waits for the answer.
    void reply(http2::StreamId stream, const Result<std::string>& outcome) {
        auto& session = connection_.session();
        if (!outcome) {
            refuse(stream, fail(outcome.error()));
            return;
        }
        const http2::Headers headers{{":status", "200"}, {"content-type", "application/grpc"}};
        if (session.start_response(stream, headers) &&
            session.send(stream, frame_message(*outcome)) &&
            session.end_with_trailers(stream, status_headers({}))) {
            connection_.flush();
        }
    }

    void refuse(http2::StreamId stream, const Result<void>& why) {
        http2::Headers headers{{":status", "200"}, {"content-type", "application/grpc"}};
        auto status = status_headers(why);
        headers.insert(headers.end(), status.begin(), status.end());
        refuse(stream, headers);
    }

    void refuse(http2::StreamId stream, const http2::Headers& headers) {
        auto& session = connection_.session();
        if (session.respond_at_once(stream, headers)) {
            connection_.flush();
        }
    }

    Executor executor_;
    std::size_t message_bytes_max_;
    const Handlers& handlers_;
    TaskGroup& group_;
    Connection connection_;
    std::map<http2::StreamId, std::shared_ptr<Incoming>> calls_;
};

}  // namespace

class Server::Impl {
public:
    Impl(Executor executor, const ServerOptions& options)
        : executor_(std::move(executor)),
          options_(options),
          acceptor_(executor_),
          group_(executor_) {}

    void add(std::string method, Handler handler) {
        const bool added = handlers_.emplace(std::move(method), std::move(handler)).second;
        ensure(added, "a gRPC method has one handler");
    }

    Result<void> listen(const std::string& path);

    void serve(int descriptor) {
        auto peer = std::make_shared<Peer>(executor_, descriptor, options_, handlers_, group_);
        group_.spawn(run_peer(std::move(peer)));
    }

    Task<> stop() {
        group_.cancel();
        co_await group_.join();
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

private:
    Task<> accept() {
        constexpr auto kRest = std::chrono::milliseconds(100);
        for (;;) {
            boost::system::error_code error;
            auto socket =
                co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
            if (error == asio::error::operation_aborted) {
                co_return;
            }
            // Out of descriptors, or too many clients: those who wait in the backlog may stay there.
            while (error || connections_ >= options_.connections_max) {
                error.clear();
                co_await sleep_for(kRest);
            }
            if (socket.is_open()) {
                serve(socket.release());
            }
        }
    }

    Task<> run_peer(std::shared_ptr<Peer> peer) {
        ++connections_;
        co_await peer->run();
        --connections_;
    }

    Executor executor_;
    ServerOptions options_;
    Handlers handlers_;
    asio::local::stream_protocol::acceptor acceptor_;
    std::string path_;
    std::size_t connections_ = 0;
    TaskGroup group_;
};

Result<void> Server::Impl::listen(const std::string& path) {
    constexpr ::mode_t kOwnerOnly = 0600;
    if (const auto other = unix_socket(path)()) {
        ::close(*other);
        return fail(ErrorCode::already_exists, path + ": another server listens there");
    } else if (other.error().code() == ErrorCode::invalid_argument) {
        return fail(other.error());
    }
    struct stat entry{};
    if (::stat(path.c_str(), &entry) == 0 && S_ISSOCK(entry.st_mode)) {
        ::unlink(path.c_str());
    }
    boost::system::error_code error;
    acceptor_.open(asio::local::stream_protocol(), error);
    if (!error) {
        acceptor_.bind(path, error);
    }
    if (!error && ::chmod(path.c_str(), kOwnerOnly) != 0) {
        error.assign(errno, boost::system::system_category());
    }
    if (!error) {
        acceptor_.listen(asio::local::stream_protocol::acceptor::max_listen_connections, error);
    }
    if (error) {
        return fail(ErrorCode::unavailable, "listen on " + path + ": " + error.message());
    }
    path_ = path;
    group_.spawn(accept());
    return {};
}

Server::Server(Executor executor, const ServerOptions& options)
    : impl_(std::make_unique<Impl>(std::move(executor), options)) {}

Server::~Server() = default;

void Server::add(std::string method, Handler handler) {
    impl_->add(std::move(method), std::move(handler));
}

Result<void> Server::listen(const std::string& path) {
    return impl_->listen(path);
}

void Server::serve(int descriptor) {
    impl_->serve(descriptor);
}

Task<> Server::stop() {
    co_await impl_->stop();
}

}  // namespace farhold::grpc
