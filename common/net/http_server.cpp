// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_server.hpp"

#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/net/admission.hpp"
#include "common/net/connection.hpp"
#include "common/net/http_codec.hpp"
#include "common/net/http_exchange.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <list>
#include <utility>

namespace farhold::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

// How long to leave the queue alone when there are no descriptors or no memory left.
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);
// After the last answer the peer's remaining bytes are read for a moment: closing with unread bytes
// makes the kernel send a reset, which could overtake the answer.
constexpr Duration kLingerTime = std::chrono::seconds(2);
constexpr int kLingerReads = 64;
constexpr std::size_t kReadBytes = 8 << 10;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

struct HttpServer::Impl {
    Impl(Executor loop, HttpServerConfig settings, HttpHandler on_request)
        : executor(loop),
          config(std::move(settings)),
          handler(std::move(on_request)),
          acceptor(loop),
          admission(
              {config.connections_max, config.anonymous_connections_max,
               config.anonymous_per_address_max}
          ),
          tasks(loop) {}

    Result<void> listen();
    Task<> accept_loop();
    void take(tcp::socket socket);
    bool make_room(const std::string& address);
    Task<> serve(std::list<Exchange::Session>::iterator session);
    Task<> serve_requests(Exchange::Session& session);
    Task<bool> serve_one(Exchange::Session& session, Duration patience);
    Task<std::optional<Refusal>> read_request(
        Exchange::Session& session, RequestReader& reader, Duration patience
    );
    Task<> refuse(Exchange::Session& session, Refusal refusal);
    Task<> linger(Exchange::Session& session);

    Executor executor;
    const HttpServerConfig config;
    const HttpHandler handler;
    tcp::acceptor acceptor;
    std::shared_ptr<const TlsContext> tls;
    Admission admission;
    std::list<Exchange::Session> sessions;
    bool is_stopping = false;
    TaskGroup tasks;
};

Result<void> HttpServer::Impl::listen() {
    error_code error;
    const auto address = asio::ip::make_address(config.listen.host, error);
    const std::string where = config.listen.host + ":" + std::to_string(config.listen.port);
    if (error) {
        return fail(ErrorCode::invalid_argument, "listen on " + where + ": not an address");
    }
    const tcp::endpoint endpoint(address, config.listen.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) {
        acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    }
    if (!error) {
        acceptor.bind(endpoint, error);
    }
    if (!error) {
        acceptor.listen(asio::socket_base::max_listen_connections, error);
    }
    if (error) {
        const auto code = error == asio::error::address_in_use ? ErrorCode::already_exists
                                                               : ErrorCode::unavailable;
        return fail(code, "listen on " + where + ": " + error.message());
    }
    return {};
}

Task<> HttpServer::Impl::accept_loop() {
    while (acceptor.is_open()) {
        error_code error;
        tcp::socket socket =
            co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            take(std::move(socket));
        } else if (error == asio::error::no_descriptors || error == asio::error::no_memory ||
                   error == asio::error::no_buffer_space ||
                   error == error_code(ENFILE, boost::system::system_category())) {
            co_await sleep_for(kAcceptPause);
        }
        // Everything else is one connection that broke before it was accepted, or our own stop.
    }
}

void HttpServer::Impl::take(tcp::socket socket) {
    auto connection = std::make_shared<Connection>(std::move(socket));
    if (is_stopping || !make_room(connection->peer().address)) {
        connection->close_now();
        return;
    }
    admission.enter(connection->peer().address);
    const auto session = sessions.emplace(sessions.end());
    session->connection = std::move(connection);
    tasks.spawn(serve(session));
}

// Whoever only holds a place open gives way to the next, the longest first: otherwise a few hundred
// silent connections would keep all machines out.
bool HttpServer::Impl::make_room(const std::string& address) {
    const Admission::Room room = admission.room_for(address);
    if (room == Admission::Room::free) {
        return true;
    }
    if (room == Admission::Room::full) {
        return false;
    }
    for (Exchange::Session& session : sessions) {
        const bool is_near =
            room == Admission::Room::crowded || session.connection->peer().address == address;
        if (session.is_mute && !session.is_identified && is_near &&
            !session.connection->is_closed()) {
            session.connection->close_now();
            return true;
        }
    }
    return false;
}

namespace {

// Undoes what take() did, also when the coroutine is unwound.
class Farewell {
public:
    Farewell(
        Admission& admission, std::list<Exchange::Session>& sessions,
        std::list<Exchange::Session>::iterator session
    )
        : admission_(admission), sessions_(sessions), session_(session) {}
    Farewell(const Farewell&) = delete;
    Farewell& operator=(const Farewell&) = delete;
    ~Farewell() {
        admission_.left(session_->is_identified, session_->connection->peer().address);
        session_->connection->close_now();
        sessions_.erase(session_);
    }

    void identified() {
        session_->is_identified = true;
        admission_.identified(session_->connection->peer().address);
    }

private:
    Admission& admission_;
    std::list<Exchange::Session>& sessions_;
    std::list<Exchange::Session>::iterator session_;
};

}  // namespace

Task<> HttpServer::Impl::serve(std::list<Exchange::Session>::iterator session) {
    Farewell farewell(admission, sessions, session);
    if (tls) {
        session->connection->set_deadline(config.tls_timeout);
        if (const auto secured = co_await session->connection->start_tls(tls); !secured) {
            if (config.on_tls_failure && !is_stopping) {
                config.on_tls_failure(session->connection->peer().address, secured.error());
            }
            co_return;
        }
        if (session->connection->peer().has_certificate) {
            farewell.identified();
        }
    }
    co_await serve_requests(*session);
}

Task<> HttpServer::Impl::serve_requests(Exchange::Session& session) {
    bool is_first = true;
    while (co_await serve_one(session, is_first ? config.header_timeout : config.idle_timeout)) {
        is_first = false;
    }
}

// True when another request may follow.
Task<bool> HttpServer::Impl::serve_one(Exchange::Session& session, Duration patience) {
    RequestReader reader(config.header_bytes_max, config.body_bytes_max);
    if (const auto refusal = co_await read_request(session, reader, patience)) {
        if (refusal->status != 0) {
            co_await refuse(session, *refusal);
        }
        co_return false;
    }
    session.is_disposable = false;
    session.is_mute = false;
    const bool keep_alive = reader.keep_alive();
    Exchange exchange(executor, config, session, reader.take(), keep_alive);
    const First first = co_await race(handler(exchange), exchange.watch_peer());
    if (first == First::left && !exchange.is_answered()) {
        co_await exchange.respond(text_response(500, "the request was not answered\n"));
    }
    session.is_disposable = true;
    session.is_mute = true;
    if (!exchange.leaves_usable() && !session.connection->is_closed()) {
        co_await linger(session);
    }
    co_return exchange.leaves_usable() && !session.is_stopping;
}

// Nothing when the request is complete. Status 0: the peer went away or was too slow, and there is
// nobody to tell.
Task<std::optional<Refusal>> HttpServer::Impl::read_request(
    Exchange::Session& session, RequestReader& reader, Duration patience
) {
    Connection& connection = *session.connection;
    std::array<char, kReadBytes> buffer;
    bool has_head = false;
    bool has_begun = false;
    connection.set_deadline(patience);
    for (;;) {
        if (!has_begun && !session.unread.empty()) {
            has_begun = true;
            connection.set_deadline(config.header_timeout);
        }
        const auto progress = reader.advance(session.unread);
        if (!progress) {
            co_return progress.error();
        }
        if (*progress == Progress::done) {
            connection.clear_deadline();
            co_return std::nullopt;
        }
        if (*progress == Progress::body && !has_head) {
            has_head = true;
            session.is_disposable = false;
            connection.set_deadline(config.body_timeout);
            if (reader.expects_continue()) {
                co_await connection.write(kContinue);  // A failure shows at the next read.
            }
        }
        const auto count = co_await connection.read_some(buffer);
        if (!count || *count == 0) {
            co_return Refusal{0, {}};
        }
        session.unread.append(buffer.data(), *count);
    }
}

Task<> HttpServer::Impl::refuse(Exchange::Session& session, Refusal refusal) {
    const auto response = text_response(refusal.status, refusal.text + "\n");
    const std::string bytes =
        encode_head(
            response.status, response.headers, Framing::length, response.body.size(), false
        ) +
        response.body;
    session.connection->set_deadline(config.write_timeout);
    if (const auto written = co_await session.connection->write(bytes); written) {
        co_await linger(session);
    }
}

Task<> HttpServer::Impl::linger(Exchange::Session& session) {
    session.connection->set_deadline(kLingerTime);
    session.connection->shut_down_writing();
    std::array<char, kReadBytes> buffer;
    for (int reads = 0; reads < kLingerReads; ++reads) {
        const auto count = co_await session.connection->read_some(buffer);
        if (!count || *count == 0) {
            co_return;
        }
    }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(
    Executor executor, HttpServerConfig config, HttpHandler handler
) {
    auto impl = std::make_unique<Impl>(std::move(executor), std::move(config), std::move(handler));
    if (impl->config.tls) {
        auto tls = TlsContext::for_server(*impl->config.tls);
        if (!tls) {
            return fail(tls.error());
        }
        impl->tls = std::move(*tls);
    }
    if (auto listening = impl->listen(); !listening) {
        return fail(listening.error());
    }
    impl->tasks.spawn(impl->accept_loop());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const {
    error_code ignored;
    return impl_->acceptor.local_endpoint(ignored).port();
}

Result<void> HttpServer::replace_tls(TlsServerConfig tls) {
    auto made = TlsContext::for_server(std::move(tls));
    if (!made) {
        return fail(made.error());
    }
    impl_->tls = std::move(*made);
    return {};
}

Task<> HttpServer::stop(Duration grace) {
    impl_->is_stopping = true;
    error_code ignored;
    impl_->acceptor.close(ignored);
    for (auto& session : impl_->sessions) {
        session.is_stopping = true;
        if (session.is_disposable) {
            session.connection->close_now();
        }
    }
    // When the time is over, the join is cancelled and with it whatever still runs.
    co_await race(impl_->tasks.join(), sleep_for(grace));
}

}  // namespace farhold::net
