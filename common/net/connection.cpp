// SPDX-License-Identifier: Apache-2.0
#include "common/net/connection.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace farhold::net {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// The outcome of one non-blocking try: what to wait for, or how it ended.
struct Connection::Attempt {
    std::optional<tcp::socket::wait_type> wait;
    error_code error;
    std::size_t bytes = 0;
};

struct Connection::Operation {
    std::move_only_function<Attempt(Connection&)> attempt;
    asio::cancellation_slot slot;
    Callback callback;
};

namespace {

// Data that the peer does not acknowledge for so long is given up by the kernel: the second line
// behind the sessions' own deadlines, and the end of what lingers after a close.
constexpr unsigned kUserTimeoutMs = 30'000;

Instant mono_now() {
    return SystemClock().now().mono;
}

error_code system_error(int code) {
    return {code, boost::system::system_category()};
}

bool would_block(int code) {
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

}  // namespace

Connection::Connection(tcp::socket socket)
    : socket_(std::move(socket)), deadline_(socket_.get_executor()), heard_(mono_now()) {
    error_code ignored;  // A peer that has gone already shows at the first read.
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    ::setsockopt(
        socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs,
        sizeof kUserTimeoutMs
    );
    const auto remote = socket_.remote_endpoint(ignored);
    auto address = remote.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    peer_.address = address.to_string();
    peer_.port = remote.port();
}

Connection::Attempt Connection::classify(int outcome) {
    const int system_code = errno;
    switch (SSL_get_error(session_.get(), outcome)) {
        case SSL_ERROR_WANT_READ:
            return {.wait = tcp::socket::wait_read};
        case SSL_ERROR_WANT_WRITE:
            return {.wait = tcp::socket::wait_write};
        case SSL_ERROR_ZERO_RETURN:
            return {.error = asio::error::eof};
        case SSL_ERROR_SYSCALL:
            return {
                .error = system_code != 0 ? system_error(system_code)
                                          : error_code(asio::error::connection_reset)
            };
        default:
            failure_ = explain_tls_error();
            return {.error = asio::error::connection_aborted};
    }
}

Error Connection::explain_tls_error() {
    const long verified = SSL_get_verify_result(session_.get());
    const unsigned long code = ERR_peek_error();
    const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    std::string text = pki::take_openssl_error();
    if (verified != X509_V_OK) {
        return {
            ErrorCode::unauthenticated, std::string("TLS: the peer's certificate was refused: ") +
                                            X509_verify_cert_error_string(verified)
        };
    }
    switch (reason) {
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return {ErrorCode::unavailable, "the peer broke the connection off"};
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return {ErrorCode::unauthenticated, "TLS: the peer has shown no certificate"};
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            return {ErrorCode::permission_denied, "TLS: the peer refused our certificate: " + text};
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
        case SSL_R_BAD_RECORD_TYPE:
            return {ErrorCode::unavailable, "TLS: the peer speaks something else (" + text + ")"};
        default:
            return {ErrorCode::unavailable, "TLS: " + text};
    }
}

Connection::Attempt Connection::try_handshake() {
    ERR_clear_error();
    errno = 0;
    const int outcome = SSL_do_handshake(session_.get());
    return outcome == 1 ? Attempt{} : classify(outcome);
}

Connection::Attempt Connection::try_read(std::span<char> into) {
    if (!unread_.empty()) {
        const std::size_t count = std::min(into.size(), unread_.size());
        std::copy_n(unread_.begin(), count, into.begin());
        unread_.erase(0, count);
        return {.bytes = count};
    }
    if (session_) {
        ERR_clear_error();
        errno = 0;
        std::size_t count = 0;
        const int outcome = SSL_read_ex(session_.get(), into.data(), into.size(), &count);
        if (outcome != 1) {
            return classify(outcome);
        }
        heard_ = mono_now();
        return {.bytes = count};
    }
    const ssize_t count = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
    if (count > 0) {
        heard_ = mono_now();
        return {.bytes = static_cast<std::size_t>(count)};
    }
    if (count == 0) {
        return {.error = asio::error::eof};
    }
    return would_block(errno) ? Attempt{.wait = tcp::socket::wait_read}
                              : Attempt{.error = system_error(errno)};
}

Connection::Attempt Connection::try_write(std::string_view bytes) {
    if (session_) {
        ERR_clear_error();
        errno = 0;
        std::size_t count = 0;
        const int outcome = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &count);
        return outcome == 1 ? Attempt{.bytes = count} : classify(outcome);
    }
    const ssize_t count = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
        return {.bytes = static_cast<std::size_t>(count)};
    }
    return would_block(errno) ? Attempt{.wait = tcp::socket::wait_write}
                              : Attempt{.error = system_error(errno)};
}

void Connection::start(Operation operation, bool called_from_loop) {
    const Attempt attempt =
        is_closed_ ? Attempt{.error = asio::error::operation_aborted} : operation.attempt(*this);
    if (attempt.wait) {
        const auto slot = operation.slot;
        auto retry = [self = shared_from_this(),
                      operation = std::move(operation)](error_code error) mutable {
            if (error) {
                operation.callback(error, 0);
            } else {
                self->start(std::move(operation), true);
            }
        };
        socket_.async_wait(*attempt.wait, asio::bind_cancellation_slot(slot, std::move(retry)));
    } else if (called_from_loop) {
        operation.callback(attempt.error, attempt.bytes);
    } else {
        auto finish = [callback = std::move(operation.callback), attempt]() mutable {
            callback(attempt.error, attempt.bytes);
        };
        asio::post(socket_.get_executor(), std::move(finish));
    }
}

void Connection::start_read(std::span<char> into, asio::cancellation_slot slot, Callback callback) {
    auto attempt = [into](Connection& self) { return self.try_read(into); };
    start({std::move(attempt), slot, std::move(callback)}, false);
}

void Connection::start_write_some(
    std::string_view bytes, asio::cancellation_slot slot, Callback callback
) {
    auto attempt = [bytes](Connection& self) { return self.try_write(bytes); };
    start({std::move(attempt), slot, std::move(callback)}, false);
}

// Awaits one operation whose slot and callback are still to be filled in.
Task<std::size_t> Connection::run(Operation operation, error_code& error) {
    using Token = asio::redirect_error_t<asio::use_awaitable_t<>>;
    auto initiate = [this](auto handler, Operation ready) {
        ready.slot = asio::get_associated_cancellation_slot(handler);
        ready.callback = [handler = std::move(handler)](error_code code, std::size_t n) mutable {
            std::move(handler)(code, n);
        };
        start(std::move(ready), false);
    };
    Token token = asio::redirect_error(asio::use_awaitable, error);
    co_return co_await asio::async_initiate<Token, void(error_code, std::size_t)>(
        std::move(initiate), token, std::move(operation)
    );
}

Task<Result<void>> Connection::start_tls(std::shared_ptr<const TlsContext> context) {
    tls_ = std::move(context);
    session_ = tls_->new_session(socket_.native_handle());
    Operation operation{[](Connection& self) { return self.try_handshake(); }, {}, {}};
    error_code error;
    co_await run(std::move(operation), error);
    if (error) {
        co_return fail(to_error(error));
    }
    co_return tls_->identify(session_.get(), peer_);
}

Task<Result<std::size_t>> Connection::read_some(std::span<char> into) {
    Operation operation{[into](Connection& self) { return self.try_read(into); }, {}, {}};
    error_code error;
    const std::size_t count = co_await run(std::move(operation), error);
    if (error && error != asio::error::eof) {
        co_return fail(to_error(error));
    }
    co_return count;
}

Task<Result<void>> Connection::write(std::string_view bytes) {
    while (!bytes.empty()) {
        Operation operation{[bytes](Connection& self) { return self.try_write(bytes); }, {}, {}};
        error_code error;
        const std::size_t count = co_await run(std::move(operation), error);
        if (error) {
            co_return fail(to_error(error));
        }
        bytes.remove_prefix(count);
    }
    co_return Result<void>();
}

bool Connection::is_quiet() {
    if (is_closed_ || !unread_.empty() || (session_ && SSL_pending(session_.get()) > 0)) {
        return false;
    }
    char byte = 0;
    return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           would_block(errno);
}

void Connection::probe_when_quiet() {
    const std::array<std::array<int, 3>, 4> options{{
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 15},
        {IPPROTO_TCP, TCP_KEEPINTVL, 5},
        {IPPROTO_TCP, TCP_KEEPCNT, 3},
    }};
    for (const auto& [level, name, value] : options) {
        ::setsockopt(socket_.native_handle(), level, name, &value, sizeof value);
    }
}

void Connection::limit_unsent(std::size_t bytes) {
    const auto limit = static_cast<int>(bytes);
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limit, sizeof limit);
}

LineState Connection::line_state() {
    return is_closed_ ? LineState{} : line_state_of(socket_.native_handle());
}

Duration Connection::quiet_for() const {
    return mono_now() - heard_;
}

void Connection::set_deadline(Duration from_now) {
    deadline_.expires_after(from_now);
    deadline_.async_wait([self = weak_from_this()](error_code error) {
        const auto connection = self.lock();
        if (error || !connection || connection->is_closed_) {
            return;
        }
        // A timer that has fired cannot be taken back, but it may have been set anew since.
        if (connection->deadline_.expiry() <= asio::steady_timer::clock_type::now()) {
            connection->failure_ = Error(ErrorCode::deadline, "the peer was too slow");
            connection->close_now();
        }
    });
}

void Connection::clear_deadline() {
    deadline_.expires_at(asio::steady_timer::time_point::max());
}

void Connection::shut_down_writing() {
    if (is_closed_) {
        return;
    }
    if (session_ && SSL_is_init_finished(session_.get()) == 1 && !failure_) {
        SSL_shutdown(session_.get());  // Only says so; the peer's answer is not waited for.
        ERR_clear_error();
    }
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void Connection::close_now() {
    shut_down_writing();
    is_closed_ = true;  // From here on the descriptor's number may belong to somebody else.
    clear_deadline();
    error_code ignored;
    socket_.close(ignored);
}

void Connection::abort() {
    if (is_closed_) {
        return;
    }
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    is_closed_ = true;
    clear_deadline();
    socket_.close(ignored);
}

Error Connection::to_error(error_code code) const {
    if (failure_) {
        return *failure_;
    }
    if (code == asio::error::operation_aborted) {
        return {ErrorCode::cancelled, "cancelled"};
    }
    if (code == asio::error::eof) {
        return {ErrorCode::unavailable, "the peer closed the connection"};
    }
    return {ErrorCode::unavailable, code.message()};
}

}  // namespace farhold::net
