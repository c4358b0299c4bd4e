// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/reach/node_calls.hpp"

#include "cloudcore/reach/exec_session.hpp"
#include "common/async/timeout.hpp"
#include "common/net/websocket_stream.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string_view>
#include <utility>

namespace farhold::reach {
namespace {

// Until the machine's answer begins; it may have to ask its container runtime.
constexpr Duration kAnswerTimeout = std::chrono::seconds(30);
// Of an answer that is read whole: an error, or statistics.
constexpr std::size_t kWholeBytesMax = std::size_t{16} << 20U;
// When one end of an upgraded connection has ended, the other has so long to say the rest.
constexpr Duration kLastWords = std::chrono::seconds(5);

// What of a client's request the machine needs; the rest is between the client and this server.
constexpr std::array<std::string_view, 3> kPlainHeaders = {"Accept", "Accept-Encoding", "Range"};
constexpr std::array<std::string_view, 5> kUpgradeHeaders = {
    "Upgrade",
    "X-Stream-Protocol-Version",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
};
// Of a machine's answer, beside those that the transport makes.
constexpr std::array<std::string_view, 6> kAnswerHeaders = {
    "Content-Type",
    "Content-Encoding",
    "X-Stream-Protocol-Version",
    "X-Accepted-Stream-Protocol-Versions",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
};

template <std::size_t kCount>
net::HttpHeaders choose_headers(
    const net::HttpHeaders& all, const std::array<std::string_view, kCount>& names
) {
    net::HttpHeaders chosen;
    for (const std::string_view name : names) {
        for (const auto& [key, value] : all.fields()) {
            const net::HttpHeaders one{{key, value}};
            if (one.has(name)) chosen.add(key, value);
        }
    }
    return chosen;
}

Task<Result<std::string>> read_whole(net::HttpStream& answer) {
    std::string body;
    while (true) {
        auto piece = co_await answer.next();
        if (!piece) co_return piece;
        if (piece->empty()) co_return body;
        body += *piece;
        if (body.size() > kWholeBytesMax) {
            co_return fail(ErrorCode::resource_exhausted, "the machine's answer is too long");
        }
    }
}

// Whether anything is left of it for a client.
int status_of(const Error& error) {
    switch (error.code()) {
        case ErrorCode::not_found:
            return 404;
        case ErrorCode::resource_exhausted:
            return 429;
        case ErrorCode::deadline:
            return 504;
        default:
            return 503;
    }
}

std::string upgrade_head(const net::HttpHeaders& headers, std::string_view protocol) {
    std::string head = fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {}\r\n", protocol
    );
    for (const auto& [name, value] : headers.fields()) {
        head += fmt::format("{}: {}\r\n", name, value);
    }
    return head += "\r\n";
}

}  // namespace

struct NodeCalls::Session {
    Session(NodeCalls& of, net::HttpExchange& client, NodeCall asked, MakeRefusal refuses)
        : calls(of),
          exchange(client),
          call(std::move(asked)),
          subject(subject_of(call.target)),
          upgrade(upgrade_of(client.request().headers)),
          refusal(std::move(refuses)),
          began(of.clock_.now().mono) {
        ++calls.counters_.begun;
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    // Also when the client went away and the coroutine is unwound.
    ~Session() {
        calls.counters_.bytes_to_machines += bytes.from_left;
        calls.counters_.bytes_from_machines += bytes.from_right;
        calls.log_end(*this);
    }

    NodeCalls& calls;
    net::HttpExchange& exchange;
    NodeCall call;
    CallSubject subject;
    Upgrade upgrade;
    MakeRefusal refusal;
    Instant began;
    net::RelayedBytes bytes;
    Result<> outcome;
};

Task<> NodeCalls::serve(
    net::HttpExchange& exchange, NodeCall call, bool translates, MakeRefusal refusal
) {
    Session session(*this, exchange, std::move(call), std::move(refusal));
    if (session.upgrade == Upgrade::none) {
        session.outcome = co_await serve_plain(session);
    } else if (session.upgrade == Upgrade::websocket && translates) {
        session.outcome = co_await serve_websocket(session);
    } else {
        session.outcome = co_await serve_upgrade(session);
    }
}

Task<Result<net::HttpResponse>> NodeCalls::get(std::string node, std::string target) {
    NodeCall call{.node = std::move(node), .target = std::move(target), .user = {}};
    const CallSubject subject = subject_of(call.target);
    net::HttpRequest request;
    request.target = call.target;
    auto answer = co_await ask(call, subject, std::move(request));
    if (!answer) co_return fail(answer.error());
    auto body = co_await with_timeout(read_whole(**answer), kAnswerTimeout, "no answer in time");
    if (!body) co_return fail(body.error());
    net::HttpResponse response;
    response.status = (*answer)->status();
    response.body = std::move(*body);
    co_return response;
}

Task<Result<std::unique_ptr<net::HttpStreamCall>>> NodeCalls::ask(
    const NodeCall& call, const CallSubject& subject, net::HttpRequest request
) {
    auto stream = co_await streams_.open(call.node, stream_class(subject));
    if (!stream) {
        ++counters_.failed;
        co_return fail(stream.error());
    }
    auto answer = co_await with_timeout(
        net::call_on_stream(std::move(*stream), std::move(request), call.node), kAnswerTimeout,
        "machine " + call.node + " did not answer in time"
    );
    if (!answer) ++counters_.failed;
    co_return answer;
}

Task<Result<>> NodeCalls::serve_plain(Session& session) {
    const net::HttpRequest& asked = session.exchange.request();
    net::HttpRequest request;
    request.method = asked.method;
    request.target = session.call.target;
    request.headers = choose_headers(asked.headers, kPlainHeaders);
    auto answer = co_await ask(session.call, session.subject, std::move(request));
    if (!answer) co_return co_await refuse(session, answer.error());
    if ((*answer)->status() >= 300 && !session.call.is_proxy) {
        co_return co_await refuse(session, **answer);
    }
    net::HttpHeaders headers = choose_headers((*answer)->headers(), kAnswerHeaders);
    auto begun = co_await session.exchange.begin_stream((*answer)->status(), std::move(headers));
    if (!begun) co_return begun;
    while (true) {
        const auto piece = co_await (*answer)->next();
        // Without its end the client sees that the answer is not complete.
        if (!piece) co_return fail(piece.error());
        if (piece->empty()) co_return co_await session.exchange.end_stream();
        session.bytes.from_right += piece->size();
        auto written = co_await session.exchange.write_chunk(*piece);
        if (!written) co_return written;
    }
}

Task<Result<>> NodeCalls::serve_upgrade(Session& session) {
    const net::HttpRequest& asked = session.exchange.request();
    net::HttpRequest request;
    request.method = asked.method;
    request.target = session.call.target;
    request.headers = choose_headers(asked.headers, kUpgradeHeaders);
    const std::string protocol(asked.headers.get("Upgrade"));
    auto answer = co_await ask(session.call, session.subject, std::move(request));
    if (!answer) co_return co_await refuse(session, answer.error());
    if ((*answer)->status() != 101) co_return co_await refuse(session, **answer);
    auto client = co_await session.exchange.hijack();
    if (!client) co_return fail(client.error());
    const std::string head =
        upgrade_head(choose_headers((*answer)->headers(), kAnswerHeaders), protocol);
    auto begun = co_await (*client)->write(head);
    if (!begun) co_return begun;
    const auto machine = (*answer)->upgraded();
    co_return co_await net::relay(**client, *machine, kLastWords, session.bytes);
}

Task<Result<>> NodeCalls::serve_websocket(Session& session) {
    const std::string protocol(choose_protocol(session.subject, session.exchange.request().headers)
    );
    if (protocol.empty()) {
        const Error error(
            ErrorCode::invalid_argument, "none of the client's WebSocket protocols is known here"
        );
        net::HttpResponse response = session.refusal(400, error.message());
        [[maybe_unused]] const auto sent = co_await session.exchange.respond(std::move(response));
        co_return fail(error);
    }
    const bool forwards = protocol == kTunnelledPortForward;
    net::HttpRequest request;
    request.method = "POST";
    request.target = session.call.target;
    request.headers = {
        {"Upgrade", "SPDY/3.1"},
        {"X-Stream-Protocol-Version", std::string(forwards ? kPortForward : kExecV4)},
    };
    auto answer = co_await ask(session.call, session.subject, std::move(request));
    if (!answer) co_return co_await refuse(session, answer.error());
    if ((*answer)->status() != 101) co_return co_await refuse(session, **answer);
    net::WebSocketOptions options;
    options.subprotocol = protocol;
    auto client = co_await session.exchange.accept_websocket(std::move(options));
    if (!client) co_return fail(client.error());
    auto machine = (*answer)->upgraded();
    if (!forwards) {
        co_return co_await run_exec_session(
            std::move(*client), std::move(machine), session.subject, protocol == kExecV5,
            session.bytes
        );
    }
    const auto unwrapped = net::stream_over(std::move(*client));
    co_return co_await net::relay(*unwrapped, *machine, kLastWords, session.bytes);
}

// What the machine says instead of doing it.
Task<Result<>> NodeCalls::refuse(Session& session, net::HttpStreamCall& answer) {
    auto body = co_await with_timeout(read_whole(answer), kAnswerTimeout, "no answer in time");
    if (!body) co_return co_await refuse(session, body.error());
    while (body->ends_with('\n')) body->pop_back();
    const int status = answer.status();
    // 1xx and 2xx are no refusals: the machine did not understand what was wanted.
    net::HttpResponse response = session.refusal(status < 300 ? 502 : status, *body);
    const auto sent = co_await session.exchange.respond(std::move(response));
    if (!sent) co_return sent;
    co_return fail(
        ErrorCode::unavailable, fmt::format("the machine answered {}: {}", status, *body)
    );
}

Task<Result<>> NodeCalls::refuse(Session& session, const Error& error) {
    net::HttpResponse response = session.refusal(status_of(error), error.message());
    // A client that is gone needs no answer.
    [[maybe_unused]] const auto sent = co_await session.exchange.respond(std::move(response));
    co_return fail(error);
}

void NodeCalls::log_end(const Session& session) {
    const CallSubject& subject = session.subject;
    const Duration lasted = clock_.now().mono - session.began;
    const Result<>& outcome = session.outcome;
    logger_.info(
        "session with a machine ended",
        {
            {"user", session.call.user},
            {"peer", session.exchange.peer().address},
            {"node", session.call.node},
            {"asked", subject.what},
            {"namespace", subject.ns},
            {"pod", subject.pod},
            {"container", subject.container},
            {"command", subject.command},
            {"bytesIn", session.bytes.from_left},
            {"bytesOut", session.bytes.from_right},
            {"seconds", fmt::format("{:.3f}", std::chrono::duration<double>(lasted).count())},
            {"error", outcome ? std::string() : outcome.error().message()},
        }
    );
}

}  // namespace farhold::reach
