// SPDX-License-Identifier: Apache-2.0
#include "fake_machine.hpp"

#include "common/net/http_stream_server.hpp"
#include "common/spdy/session.hpp"
#include "tests/support/stream_pair.hpp"

#include <array>
#include <map>
#include <utility>
#include <variant>

namespace farhold::test {

namespace {

// What runs in the container, as its streams show it.
class Program {
public:
    explicit Program(std::string target) : target_(std::move(target)) {}

    void take(spdy::Session& session, const spdy::Event& event) {
        if (const auto* opened = std::get_if<spdy::StreamOpened>(&event)) {
            session.accept(opened->stream);
            const std::string type(spdy::find_header(opened->headers, "streamtype"));
            types_[opened->stream] = type;
            streams_[type] = opened->stream;
            begin(session, type);
        } else if (const auto* data = std::get_if<spdy::StreamData>(&event)) {
            hear(session, data->stream, data->bytes);
        } else if (const auto* ended = std::get_if<spdy::StreamEnded>(&event)) {
            const std::string& type = types_[ended->stream];
            if (type == "stdin") finish(session, R"({"metadata":{},"status":"Success"})");
            if (type == "data") {
                session.send(ended->stream, "bye\n");
                session.end(ended->stream);
            }
            if (type == "error" && !is("/exec")) session.end(ended->stream);
        }
    }

private:
    [[nodiscard]] bool is(std::string_view part) const { return target_.contains(part); }

    void begin(spdy::Session& session, const std::string& type) {
        if (is("command=exit") && type == "stderr") {  // The last one.
            session.send(streams_["stdout"], "going\n");
            finish(
                session,
                R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit )"
                R"(code: exit status 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":)"
                R"("ExitCode","message":"3"}]}})"
            );
        }
    }
    void hear(spdy::Session& session, spdy::StreamId stream, std::string_view bytes) {
        const std::string& type = types_[stream];
        if (type == "data") session.send(stream, bytes);
        if (type == "stdin") session.send(streams_["stdout"], bytes);
        if (type == "resize" && is("command=size")) {
            session.send(streams_["stdout"], bytes);
            finish(session, R"({"metadata":{},"status":"Success"})");
        }
    }
    void finish(spdy::Session& session, std::string_view status) {
        for (const std::string type : {"stdout", "stderr"}) {
            if (streams_.contains(type)) session.end(streams_[type]);
        }
        session.send(streams_["error"], status);
        session.end(streams_["error"]);
    }

    std::string target_;
    std::map<spdy::StreamId, std::string> types_;
    std::map<std::string, spdy::StreamId> streams_;
};

}  // namespace

Task<Result<std::unique_ptr<net::ByteStream>>> FakeMachine::open(
    std::string node, streams::StreamClass /*cls*/
) {
    if (node != "robot-7") co_return fail(ErrorCode::unavailable, "node is not connected");
    StreamPair pair(executor_);
    group_.spawn(serve(std::move(pair.right)));
    co_return std::move(pair.left);
}

Task<> FakeMachine::stop() {
    group_.cancel();
    co_await group_.join();
}

Task<> FakeMachine::serve(std::unique_ptr<net::ByteStream> stream) {
    const net::HttpHandler handler = answer;
    co_await net::serve_http(std::move(stream), {}, handler);
}

Task<> FakeMachine::answer(net::HttpExchange& exchange) {
    const std::string path(exchange.request().path());
    if (exchange.request().headers.has("Upgrade")) {
        co_await run_session(exchange);
        co_return;
    }
    net::HttpResponse response = net::text_response(404, "no such path: " + path);
    if (path == "/healthz") response = net::text_response(200, "ok");
    if (path == "/containerLogs/default/hello/main") {
        response = net::text_response(200, "log of " + exchange.request().target + "\n");
    }
    co_await exchange.respond(std::move(response));
}

Task<> FakeMachine::run_session(net::HttpExchange& exchange) {
    Program program(exchange.request().target);
    const bool forwards = exchange.request().path().starts_with("/portForward");
    const auto stream = co_await exchange.hijack();
    if (!stream) co_return;
    const std::string head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n"
        "X-Stream-Protocol-Version: " +
        std::string(forwards ? "portforward.k8s.io" : "v4.channel.k8s.io") + "\r\n\r\n";
    co_await (*stream)->write(head);
    spdy::Session session(spdy::Role::server);
    std::array<char, 16'384> buffer;
    while (true) {
        const auto count = co_await (*stream)->read_some(buffer);
        if (!count || *count == 0 || !session.receive({buffer.data(), *count})) break;
        for (const spdy::Event& event : session.take_events()) program.take(session, event);
        const std::string output = session.take_output();
        const auto written = co_await (*stream)->write(output);
        if (!written) break;
    }
}

}  // namespace farhold::test
