// SPDX-License-Identifier: Apache-2.0
#include "common/grpc/client.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/grpc/connection.hpp"
#include "common/grpc/framing.hpp"
#include "common/grpc/status.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace farhold::grpc {

namespace {

using SteadyClock = std::chrono::steady_clock;

Error cancelled() {
    return {ErrorCode::cancelled, "gRPC: cancelled"};
}

// One call as the connection's events see it.
struct Call {
    Call(const Executor& executor, std::size_t message_bytes_max, bool one_message)
        : messages(message_bytes_max), changed(executor), unary(one_message) {}

    void end(Result<void> how) {
        if (!outcome) {
            outcome = std::move(how);
            changed.set();
        }
    }

    void received_headers(const http2::Headers& headers) {
        const bool first = !std::exchange(has_headers, true);
        if (http2::find_header(headers, "grpc-status")) {
            status = status_of(headers);
        } else if (first && http2::find_header(headers, ":status").value_or("") != "200") {
            end(status_of(headers));
        } else if (first && !is_grpc(headers)) {
            end(fail(ErrorCode::internal, "gRPC: the peer's answer is not gRPC"));
        }
    }

    void received_data(std::string_view bytes) {
        if (outcome) {
            return;
        }
        const auto fed = messages.feed(bytes);
        if (!fed) {
            end(fed);
        } else if (unary && messages.size() > 1) {
            end(fail(ErrorCode::internal, "gRPC: the answer has more than one message"));
        } else if (!unary && messages.size() > 0) {
            changed.set();
        }
    }

    // Whether the peer may go on sending: a message larger than the window must get through, one
    // that nobody reads need not.
    bool wants_more() const { return unary || messages.size() == 0; }

    void peer_ended() {
        if (messages.has_partial()) {
            end(fail(ErrorCode::internal, "gRPC: the answer ended inside a message"));
        } else {
            end(status.value_or(status_of({})));
        }
    }

    MessageAssembler messages;
    Event changed;
    bool unary;
    bool has_headers = false;
    bool outlives_caller = false;
    std::optional<Result<void>> status;   // As trailers said; holds once the peer has ended.
    std::optional<Result<void>> outcome;  // The call is over.
    std::size_t unconsumed = 0;           // Received while messages were waiting to be read.
};

// One connection and its calls.
class Link {
public:
    Link(const Executor& executor, int descriptor, const http2::Limits& limits)
        : connection(executor, descriptor, http2::Role::client, limits) {}

    Task<> run() {
        std::function<void(http2::Event)> handler = [this](http2::Event event) {
            handle(std::move(event));
        };
        const Error reason = co_await connection.run(std::move(handler));
        end_all(reason.within("gRPC"));
    }

    void handle(http2::Event event) {
        std::visit([this](auto& what) { on(what); }, event);
    }

    void end_all(const Error& why) {
        open = false;
        for (auto& [id, call] : std::exchange(calls, {})) {
            call->end(fail(why));
        }
    }

    // Ends a call from our side.
    void abort(http2::StreamId id, const Error& why) {
        const auto found = calls.find(id);
        if (found != calls.end()) {
            found->second->end(fail(why));
            connection.session().reset(id, http2::StreamError::cancel);
            connection.flush();
        }
    }

    void consume(http2::StreamId id, Call& call) {
        if (call.unconsumed > 0) {
            connection.session().consume(id, std::exchange(call.unconsumed, 0));
            connection.flush();
        }
    }

    bool has_call_that_outlives() const {
        return std::ranges::any_of(calls, [](const auto& entry) {
            return entry.second->outlives_caller && !entry.second->outcome;
        });
    }

    Connection connection;
    bool open = true;  // Takes new calls.
    std::map<http2::StreamId, std::shared_ptr<Call>> calls;

private:
    std::shared_ptr<Call> find(http2::StreamId id) const {
        const auto found = calls.find(id);
        return found == calls.end() ? nullptr : found->second;
    }

    void on(const http2::HeadersReceived& event) {
        if (const auto call = find(event.stream)) {
            call->received_headers(event.headers);
            reset_if_over(event.stream, *call);
        }
    }

    void on(const http2::DataReceived& event) {
        const auto call = find(event.stream);
        if (!call) {
            return;
        }
        call->received_data(event.bytes);
        call->unconsumed += event.bytes.size();
        if (call->wants_more()) {
            consume(event.stream, *call);
        }
        reset_if_over(event.stream, *call);
    }

    void on(const http2::PeerEnded& event) {
        if (const auto call = find(event.stream)) {
            call->peer_ended();
        }
    }

    void on(const http2::StreamClosed& event) {
        if (const auto call = find(event.stream)) {
            call->end(fail(reset_error(event)));
            calls.erase(event.stream);
        }
    }

    void on(const http2::GoawayReceived&) { open = false; }

    // After an answer that cannot be used nothing more is wanted from the peer.
    void reset_if_over(http2::StreamId id, const Call& call) {
        if (call.outcome) {
            connection.session().reset(id, http2::StreamError::cancel);
        }
    }
};

// A caller's hold on its call: without it the call is ended, or left alone if it outlives it.
class Hold {
public:
    Hold(std::shared_ptr<Link> link, http2::StreamId stream, std::shared_ptr<Call> call)
        : link_(std::move(link)), stream_(stream), call_(std::move(call)) {}
    Hold(Hold&&) noexcept = default;
    Hold& operator=(Hold&&) = delete;
    ~Hold() {
        if (call_ && !call_->outcome && !call_->outlives_caller) {
            link_->abort(stream_, cancelled());
        }
    }

    Call& call() { return *call_; }

    // Until the call is over, or has a message of a stream.
    Task<Result<void>> wait(std::optional<SteadyClock::time_point> deadline) {
        try {
            while (!call_->outcome && call_->wants_more()) {
                if (!deadline) {
                    co_await call_->changed.wait();
                } else if (!co_await call_->changed.wait_for(*deadline - SteadyClock::now())) {
                    link_->abort(stream_, Error(ErrorCode::deadline, "gRPC: timed out"));
                }
            }
        } catch (const boost::system::system_error& error) {
            if (error.code() != boost::asio::error::operation_aborted) {
                throw;
            }
            co_return fail(cancelled());
        }
        co_return Result<void>();
    }

    std::optional<std::string> take() {
        auto message = call_->messages.take();
        if (call_->wants_more()) {
            link_->consume(stream_, *call_);
        }
        return message;
    }

private:
    std::shared_ptr<Link> link_;
    http2::StreamId stream_;
    std::shared_ptr<Call> call_;
};

std::optional<SteadyClock::time_point> deadline_of(const CallOptions& options) {
    if (!options.deadline) {
        return std::nullopt;
    }
    return SteadyClock::now() + *options.deadline;
}

// A unary call has one message and a good status, or a bad status.
Result<std::string> only_message(Hold& hold) {
    if (const auto& outcome = *hold.call().outcome; !outcome) {
        return fail(outcome.error());
    }
    auto message = hold.take();
    if (!message) {
        return fail(ErrorCode::internal, "gRPC: the answer has no message");
    }
    return *std::move(message);
}

}  // namespace

Connect unix_socket(std::string path) {
    return [path = std::move(path)]() -> Result<int> {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof(address.sun_path)) {
            return fail(ErrorCode::invalid_argument, path + ": too long for a socket's path");
        }
        std::memcpy(address.sun_path, path.data(), path.size());
        const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        // A unix socket is connected at once or not at all.
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        if (descriptor < 0 || ::connect(descriptor, generic, sizeof(address)) != 0) {
            const std::string why = std::strerror(errno);
            if (descriptor >= 0) {
                ::close(descriptor);
            }
            return fail(ErrorCode::unavailable, "connect " + path + ": " + why);
        }
        return descriptor;
    };
}

struct MessageStream::Impl {
    Hold hold;
    std::optional<SteadyClock::time_point> deadline;
};

MessageStream::MessageStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MessageStream::MessageStream(MessageStream&&) noexcept = default;
MessageStream& MessageStream::operator=(MessageStream&&) noexcept = default;
MessageStream::~MessageStream() = default;

Task<Result<std::optional<std::string>>> MessageStream::next() {
    const auto waited = co_await impl_->hold.wait(impl_->deadline);
    if (!waited) {
        co_return fail(waited.error());
    }
    if (auto message = impl_->hold.take()) {
        co_return std::move(message);
    }
    if (const auto& outcome = *impl_->hold.call().outcome; !outcome) {
        co_return fail(outcome.error());
    }
    co_return std::nullopt;
}

class Client::Impl {
public:
    Impl(Executor executor, ClientOptions options)
        : executor_(std::move(executor)), options_(std::move(options)), group_(executor_) {}

    Result<Hold> start(
        const std::string& method, const std::string& request, const CallOptions& options,
        bool unary
    );
    Task<> close(Duration patience);

private:
    Result<std::shared_ptr<Link>> connected();
    Task<> run_link(std::shared_ptr<Link> link);
    bool has_call_that_outlives() const;

    Executor executor_;
    ClientOptions options_;
    TaskGroup group_;
    std::shared_ptr<Link> current_;
    // With the current one, those that take no new calls and end when their calls have.
    std::vector<std::shared_ptr<Link>> links_;
    bool closed_ = false;
};

Result<std::shared_ptr<Link>> Client::Impl::connected() {
    if (closed_) {
        return fail(ErrorCode::unavailable, "gRPC: the client is closed");
    }
    if (current_ && current_->open) {
        return current_;
    }
    const auto descriptor = options_.connect();
    if (!descriptor) {
        return fail(descriptor.error());
    }
    current_ = std::make_shared<Link>(executor_, *descriptor, options_.limits);
    links_.push_back(current_);
    group_.spawn(run_link(current_));
    return current_;
}

Task<> Client::Impl::run_link(std::shared_ptr<Link> link) {
    co_await link->run();
    std::erase(links_, link);
}

Result<Hold> Client::Impl::start(
    const std::string& method, const std::string& request, const CallOptions& options, bool unary
) {
    auto link = connected();
    if (!link) {
        return fail(link.error());
    }
    http2::Headers headers{
        {":method", "POST"},         {":scheme", "http"}, {":path", method},
        {":authority", "localhost"}, {"te", "trailers"},  {"content-type", "application/grpc"},
    };
    if (options.deadline) {
        headers.push_back({"grpc-timeout", format_timeout(*options.deadline)});
    }
    headers.insert(headers.end(), options.metadata.begin(), options.metadata.end());

    auto& session = (*link)->connection.session();
    const auto stream = session.start_request(headers);
    if (!stream) {
        // Its stream numbers are used up, say. It ends with its calls; the next call has a new one.
        (*link)->open = false;
        session.go_away();
        (*link)->connection.flush();
        return fail(stream.error());
    }
    auto call = std::make_shared<Call>(executor_, options_.message_bytes_max, unary);
    call->outlives_caller = options.outlives_caller;
    (*link)->calls.emplace(*stream, call);
    auto sent = session.send(*stream, frame_message(request));
    if (sent) {
        sent = session.end(*stream);
    }
    if (!sent) {
        return fail(sent.error());
    }
    (*link)->connection.flush();
    return Hold(*std::move(link), *stream, std::move(call));
}

bool Client::Impl::has_call_that_outlives() const {
    return std::ranges::any_of(links_, &Link::has_call_that_outlives);
}

Task<> Client::Impl::close(Duration patience) {
    // Rare and short; not worth a notification of its own.
    constexpr auto kLook = std::chrono::milliseconds(20);
    closed_ = true;
    Event pause(executor_);
    const auto end = SteadyClock::now() + patience;
    while (has_call_that_outlives() && SteadyClock::now() < end) {
        co_await pause.wait_for(kLook);
    }
    for (const auto& link : links_) {
        link->end_all(Error(ErrorCode::unavailable, "gRPC: the client was closed"));
    }
    group_.cancel();
    co_await group_.join();
}

Client::Client(Executor executor, ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(options))) {}

Client::~Client() = default;

Task<Result<std::string>> Client::call(
    std::string method, std::string request, CallOptions options
) {
    auto hold = impl_->start(method, request, options, true);
    if (!hold) {
        co_return fail(hold.error());
    }
    const auto deadline = deadline_of(options);
    const auto waited = co_await hold->wait(deadline);
    if (!waited) {
        co_return fail(waited.error());
    }
    co_return only_message(*hold);
}

Result<MessageStream> Client::open_stream(
    const std::string& method, const std::string& request, const CallOptions& options
) {
    auto hold = impl_->start(method, request, options, false);
    if (!hold) {
        return fail(hold.error());
    }
    return MessageStream(
        std::make_unique<MessageStream::Impl>(*std::move(hold), deadline_of(options))
    );
}

Task<> Client::close(Duration patience) {
    co_await impl_->close(patience);
}

}  // namespace farhold::grpc
