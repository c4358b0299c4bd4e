// SPDX-License-Identifier: Apache-2.0
//
// The server's end of a WebSocket, against a client that has asked for the upgrade and then sends
// anything. Beast reads the frames; what we promise on top is that messages keep their limit, that
// it makes no difference in which pieces they come, and that there is always an end.
#include "common/base/ensure.hpp"
#include "common/net/connection.hpp"
#include "common/net/websocket_accept.hpp"
#include "tests/support/fuzz_input.hpp"
#include "tests/support/socket_pair.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold;
using namespace farhold::net;

namespace {

constexpr std::size_t kMessageBytesMax = 2000;
constexpr std::size_t kInputMax = 16 << 10;  // Fits into a socket's buffer.

struct Outcome {
    std::vector<std::string> messages;
    ErrorCode end = ErrorCode::internal;

    bool operator==(const Outcome&) const = default;
};

HttpRequest upgrade() {
    HttpRequest request;
    request.target = "/v1/tunnel";
    request.headers.add("Host", "hub");
    request.headers.add("Connection", "Upgrade");
    request.headers.add("Upgrade", "websocket");
    request.headers.add("Sec-WebSocket-Version", "13");
    request.headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    return request;
}

Task<> serve(std::shared_ptr<Connection> connection, Outcome& outcome, bool& ended) {
    WebSocketOptions options;
    options.message_bytes_max = kMessageBytesMax;
    const HttpRequest request = upgrade();
    const auto socket = co_await accept_websocket(std::move(connection), request, options);
    ensure(socket.has_value(), "a proper upgrade is accepted");
    while (true) {
        auto message = co_await (*socket)->read();
        if (!message) {
            outcome.end = message.error().code();
            break;
        }
        ensure(message->size() <= kMessageBytesMax, "a message keeps its limit");
        outcome.messages.push_back(std::move(*message));
    }
    ended = true;
}

Outcome read_in_pieces(std::string_view bytes, std::size_t piece) {
    boost::asio::io_context loop(1);
    const test::SocketPair pair;
    boost::asio::ip::tcp::socket ours(loop);
    ours.assign(boost::asio::ip::tcp::v4(), pair.ours);
    Outcome outcome;
    bool ended = false;
    boost::asio::co_spawn(
        loop, serve(std::make_shared<Connection>(std::move(ours)), outcome, ended),
        boost::asio::detached
    );
    loop.poll();
    while (!bytes.empty() && !ended) {
        const std::string_view part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        (void)::send(pair.theirs, part.data(), part.size(), MSG_NOSIGNAL);
        loop.poll();
    }
    ::shutdown(pair.theirs, SHUT_WR);
    loop.run_for(std::chrono::seconds(10));
    ensure(ended, "there is an end");
    ::close(pair.theirs);
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const std::size_t piece = 1 + in.byte() % 16;
    const std::string_view bytes = in.bytes(kInputMax);
    const Outcome whole = read_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1));
    const Outcome parts = read_in_pieces(bytes, piece);
    ensure(whole.messages == parts.messages, "pieces make no difference");
    return 0;
}
