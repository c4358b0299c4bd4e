// SPDX-License-Identifier: Apache-2.0
//
// The only file that instantiates Beast's WebSocket, over Connection.
#include "common/net/websocket.hpp"

#include "common/async/timeout.hpp"
#include "common/net/connection.hpp"
#include "common/net/dial.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/websocket_accept.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace farhold::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr Duration kCloseTimeout = std::chrono::seconds(2);
// One TLS record.
constexpr std::size_t kGatherBytesMax = 16 << 10;

// Connection in the shape that Beast wants.
class BeastStream {
public:
    using executor_type = Executor;

    explicit BeastStream(std::shared_ptr<Connection> connection)
        : connection_(std::move(connection)) {}

    executor_type get_executor() { return connection_->executor(); }
    Connection& connection() { return *connection_; }
    const Connection& connection() const { return *connection_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        auto initiate = [](auto handler, std::shared_ptr<Connection> connection,
                           std::span<char> into) {
            const auto slot = asio::get_associated_cancellation_slot(handler);
            connection->start_read(into, slot, as_callback(std::move(handler)));
        };
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            std::move(initiate), token, connection_, first_of(buffers)
        );
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        auto initiate = [](auto handler, std::shared_ptr<Connection> connection,
                           std::unique_ptr<std::string> gathered, std::string_view bytes) {
            const auto slot = asio::get_associated_cancellation_slot(handler);
            auto callback = as_callback(std::move(handler), std::move(gathered));
            connection->start_write_some(bytes, slot, std::move(callback));
        };
        // A frame comes as its head and its payload: one record and one send for both.
        std::unique_ptr<std::string> gathered;
        std::string_view bytes = sole_buffer(buffers);
        if (bytes.empty()) {
            gathered = std::make_unique<std::string>(gather(buffers));
            bytes = *gathered;
        }
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            std::move(initiate), token, connection_, std::move(gathered), bytes
        );
    }

private:
    template <class Handler, class... Kept>
    static Connection::Callback as_callback(Handler handler, Kept... kept) {
        return [handler = std::move(handler), ... kept = std::move(kept)](
                   error_code error, std::size_t count
               ) mutable { std::move(handler)(error, count); };
    }

    template <class Buffers>
    static std::span<char> first_of(const Buffers& buffers) {
        for (auto at = asio::buffer_sequence_begin(buffers);
             at != asio::buffer_sequence_end(buffers); ++at) {
            const asio::mutable_buffer buffer(*at);
            if (buffer.size() > 0) {
                return {static_cast<char*>(buffer.data()), buffer.size()};
            }
        }
        return {};
    }

    // The one buffer with bytes in it, if there is only one; or a first one that fills a record.
    template <class Buffers>
    static std::string_view sole_buffer(const Buffers& buffers) {
        std::string_view sole;
        for (auto at = asio::buffer_sequence_begin(buffers);
             at != asio::buffer_sequence_end(buffers); ++at) {
            const asio::const_buffer buffer(*at);
            if (buffer.size() == 0) {
                continue;
            }
            if (!sole.empty()) {
                return {};
            }
            sole = {static_cast<const char*>(buffer.data()), buffer.size()};
            if (sole.size() >= kGatherBytesMax) {
                break;
            }
        }
        return sole;
    }

    template <class Buffers>
    static std::string gather(const Buffers& buffers) {
        std::string bytes(std::min(asio::buffer_size(buffers), kGatherBytesMax), '\0');
        asio::buffer_copy(asio::buffer(bytes), buffers);
        return bytes;
    }

    std::shared_ptr<Connection> connection_;
};

// Beast finds these by the type of the stream: how a connection is brought to its end.
void beast_close_socket(BeastStream& stream) {
    stream.connection().close_now();
}

template <class Handler>
void async_teardown(beast::role_type, BeastStream& stream, Handler&& handler) {
    stream.connection().shut_down_writing();
    asio::post(stream.get_executor(), [handler = std::forward<Handler>(handler)]() mutable {
        std::move(handler)(error_code());
    });
}

using Stream = beast::websocket::stream<BeastStream, false>;  // false: no deflate compiled in.

}  // namespace

struct WebSocket::Impl {
    Impl(std::shared_ptr<Connection> connection, const WebSocketOptions& options)
        : stream(std::move(connection)) {
        using Options = beast::websocket::stream_base;
        // Silence is judged by the session on top, which knows what to expect.
        stream.set_option(Options::timeout{Options::none(), Options::none(), false});
        stream.set_option(Options::decorator(
            [subprotocol = options.subprotocol](beast::websocket::response_type& head) {
                head.erase(http::field::server);
                if (!subprotocol.empty()) {
                    head.set(http::field::sec_websocket_protocol, subprotocol);
                }
            }
        ));
        stream.read_message_max(options.message_bytes_max);
        if (options.unsent_bytes_max > 0) this->connection().limit_unsent(options.unsent_bytes_max);
        stream.write_buffer_bytes(kGatherBytesMax);
        stream.auto_fragment(false);
        stream.binary(true);
    }

    Connection& connection() { return stream.next_layer().connection(); }

    // Beast answers every call after the one that failed with "aborted"; we repeat the reason.
    Error to_error(error_code error) {
        if (error == asio::error::operation_aborted && end) {
            return *end;
        }
        Error described = describe(error);
        if (error != asio::error::operation_aborted) {
            end = described;
        }
        return described;
    }

    Error describe(error_code error) {
        namespace ws = beast::websocket;
        if (error == ws::error::closed) {
            const auto& reason = stream.reason().reason;
            std::string text = "the peer closed";
            if (!reason.empty()) {
                text += ": " + std::string(reason.data(), reason.size());
            }
            return {ErrorCode::unavailable, std::move(text)};
        }
        if (error == ws::error::message_too_big || error == ws::error::buffer_overflow) {
            return {ErrorCode::resource_exhausted, "the message is too long"};
        }
        return connection().to_error(error);
    }

    std::optional<Error> end;
    Stream stream;
};

WebSocket::WebSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WebSocket::~WebSocket() {
    close_now();
}

Task<Result<std::string>> WebSocket::read() {
    std::string message;
    auto buffer = asio::dynamic_buffer(message);
    error_code error;
    co_await impl_->stream.async_read(buffer, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        co_return fail(impl_->to_error(error));
    }
    co_return message;
}

Task<Result<void>> WebSocket::write(std::string message) {
    error_code error;
    co_await impl_->stream.async_write(
        asio::buffer(message), asio::redirect_error(asio::use_awaitable, error)
    );
    if (error) {
        co_return fail(impl_->to_error(error));
    }
    co_return Result<void>();
}

Task<> WebSocket::close() {
    impl_->connection().set_deadline(kCloseTimeout);
    error_code ignored;  // Whatever it is, the connection is over.
    co_await impl_->stream.async_close(
        beast::websocket::close_code::normal, asio::redirect_error(asio::use_awaitable, ignored)
    );
    close_now();
}

void WebSocket::close_now() {
    impl_->connection().close_now();
}

void WebSocket::abort() {
    impl_->connection().abort();
}

Duration WebSocket::quiet_for() const {
    return impl_->connection().quiet_for();
}

LineState WebSocket::line_state() const {
    return impl_->connection().line_state();
}

const PeerIdentity& WebSocket::peer() const {
    return impl_->connection().peer();
}

Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(
    std::shared_ptr<Connection> connection, const HttpRequest& request, WebSocketOptions options
) {
    http::request<http::empty_body> upgrade;
    upgrade.method_string(request.method);
    upgrade.target(request.target);
    upgrade.version(11);
    for (const auto& [name, value] : request.headers.fields()) {
        upgrade.insert(name, value);
    }
    auto impl = std::make_unique<WebSocket::Impl>(std::move(connection), options);
    error_code error;
    co_await impl->stream.async_accept(upgrade, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        co_return fail(impl->to_error(error).within("WebSocket upgrade"));
    }
    co_return std::make_unique<WebSocket>(std::move(impl));
}

namespace {

// The first line of an answer's body, if it is one for people.
std::string reason_in(const std::string& body) {
    constexpr std::size_t kReasonBytesMax = 200;
    const std::string line = body.substr(0, std::min(body.find('\n'), kReasonBytesMax));
    const bool is_text =
        std::ranges::all_of(line, [](char one) { return one >= ' ' && one <= '~'; });
    return line.empty() || !is_text ? "" : ": " + line;
}

Task<Result<std::unique_ptr<WebSocket>>> upgrade(
    std::shared_ptr<Connection> connection, std::string host, std::string target,
    WebSocketOptions options
) {
    auto impl = std::make_unique<WebSocket::Impl>(std::move(connection), options);
    beast::websocket::response_type response;
    error_code error;
    co_await impl->stream.async_handshake(
        response, host, target, asio::redirect_error(asio::use_awaitable, error)
    );
    if (error == beast::websocket::error::upgrade_declined) {
        const unsigned status = response.result_int();
        const bool is_forbidden = status == 401 || status == 403;
        co_return fail(
            is_forbidden ? ErrorCode::permission_denied : ErrorCode::unavailable,
            "WebSocket upgrade: the server answered " + std::to_string(status) +
                reason_in(response.body())
        );
    }
    if (error) {
        co_return fail(impl->to_error(error).within("WebSocket upgrade"));
    }
    co_return std::make_unique<WebSocket>(std::move(impl));
}

}  // namespace

Task<Result<std::unique_ptr<WebSocket>>> connect_websocket(
    Endpoint endpoint, TlsClientConfig tls, std::string target, WebSocketOptions options
) {
    auto context = TlsContext::for_client(std::move(tls));
    if (!context) {
        co_return fail(context.error());
    }
    const std::string where = "connect to " + endpoint.host;
    std::string host = to_string(endpoint);
    auto connection = co_await dial(std::move(endpoint), std::move(*context), options.dial);
    if (!connection) {
        co_return fail(connection.error().within(where));
    }
    if (options.dial.on_phase) {
        options.dial.on_phase(DialPhase::upgrade);
    }
    const Duration limit = options.dial.upgrade_timeout;
    auto upgraded = co_await with_timeout(
        upgrade(std::move(*connection), std::move(host), std::move(target), std::move(options)),
        limit, "WebSocket upgrade: no answer in time"
    );
    if (!upgraded) {
        co_return fail(upgraded.error().within(where));
    }
    co_return upgraded;
}

}  // namespace farhold::net
