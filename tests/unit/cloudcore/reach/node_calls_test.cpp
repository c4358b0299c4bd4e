// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/reach/node_calls.hpp"

#include "common/async/task_group.hpp"
#include "common/net/http_stream_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/log_capture.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/stream_pair.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

using namespace farhold;         // NOLINT(google-build-using-namespace)
using namespace farhold::reach;  // NOLINT(google-build-using-namespace)
using test::run_task;
using test::StreamPair;

namespace {

// A machine that answers in memory: logs, an error, and an echo after an upgrade.
class Machine final : public NodeStreams {
public:
    explicit Machine(Executor executor) : executor_(executor), group_(std::move(executor)) {}

    Task<Result<std::unique_ptr<net::ByteStream>>> open(std::string node, streams::StreamClass cls)
        override {
        if (node != "robot-7") co_return fail(ErrorCode::unavailable, "node is not connected");
        classes.push_back(cls);
        StreamPair pair(executor_);
        group_.spawn(serve_one(std::move(pair.right)));
        co_return std::move(pair.left);
    }
    Task<> stop() {
        group_.cancel();
        co_await group_.join();
    }

    std::vector<streams::StreamClass> classes;
    std::vector<net::HttpRequest> requests;

private:
    Task<> serve_one(std::unique_ptr<net::ByteStream> stream) {
        const net::HttpHandler handler = [this](net::HttpExchange& exchange) {
            return answer(exchange);
        };
        co_await net::serve_http(std::move(stream), {}, handler);
    }
    Task<> answer(net::HttpExchange& exchange) {
        requests.push_back(exchange.request());
        const std::string path(exchange.request().path());
        if (path.starts_with("/exec")) {
            co_await echo(exchange);
        } else if (path.starts_with("/containerLogs")) {
            net::HttpHeaders headers{{"Content-Type", "text/plain"}};
            co_await exchange.begin_stream(200, std::move(headers));
            co_await exchange.write_chunk("first\n");
            co_await exchange.write_chunk("second\n");
            co_await exchange.end_stream();
        } else {
            net::HttpResponse response = net::text_response(400, "waiting to start\n");
            co_await exchange.respond(std::move(response));
        }
    }
    static Task<> echo(net::HttpExchange& exchange) {
        const auto stream = co_await exchange.hijack();
        REQUIRE(stream);
        co_await (*stream)->write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n"
            "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\nhello "
        );
        std::array<char, 100> buffer;
        while (true) {
            const auto count = co_await (*stream)->read_some(buffer);
            if (!count || *count == 0) break;
            co_await (*stream)->write({buffer.data(), *count});
        }
        (*stream)->end_writing();
    }

    Executor executor_;
    TaskGroup group_;
};

net::HttpResponse refusal(int status, const std::string& message) {
    return net::text_response(status, "refused: " + message);
}

// A client's request and everything that is answered.
struct Asked {
    Asked(const Executor& executor, log::Logger logger)
        : machine(executor),
          calls(machine, clock, std::move(logger)),
          pair(executor),
          group(executor) {}

    void serve(NodeCall call, bool translates = true) {
        group.spawn(run(std::move(call), translates));
    }
    Task<> run(NodeCall call, bool translates) {
        const net::HttpHandler handler = [&](net::HttpExchange& exchange) {
            return calls.serve(exchange, call, translates, refusal);
        };
        co_await net::serve_http(std::move(pair.right), {}, handler);
    }
    Task<std::string> answer() {
        std::string bytes;
        std::array<char, 1000> buffer;
        while (true) {
            const auto count = co_await pair.left->read_some(buffer);
            if (!count || *count == 0) break;
            bytes.append(buffer.data(), *count);
        }
        pair.left->close_now();
        co_await group.join();
        co_await machine.stop();
        co_return bytes;
    }

    SystemClock clock;
    Machine machine;
    NodeCalls calls;
    StreamPair pair;
    TaskGroup group;
};

constexpr std::string_view kLogs = "/containerLogs/default/hello/main?follow=true";

}  // namespace

TEST_CASE("node calls: a machine's answer comes back as it comes, and is logged", "[reach]") {
    run_task([]() -> Task<> {
        test::LogCapture log;
        Asked asked(co_await this_executor, log.logger());
        co_await asked.pair.left->write(
            "GET /api/v1/x HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer secret\r\n\r\n"
        );
        asked.serve({.node = "robot-7", .target = std::string(kLogs), .user = "admin"});
        const std::string answer = co_await asked.answer();
        CHECK(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"));
        CHECK(answer.find("first\n") < answer.find("second\n"));
        REQUIRE(asked.machine.requests.size() == 1);
        CHECK(asked.machine.requests[0].target == kLogs);
        CHECK_FALSE(asked.machine.requests[0].headers.has("Authorization"));
        CHECK(asked.machine.classes[0] == streams::StreamClass::interactive);
        CHECK(asked.calls.counters().bytes_from_machines == 13);
        const auto lines = log.take();
        REQUIRE(lines.size() == 1);
        const std::string& line = lines[0];
        CHECK(line.find("user=admin") != std::string::npos);
        CHECK(line.find("node=robot-7") != std::string::npos);
        CHECK(line.find("pod=hello") != std::string::npos);
        CHECK(line.find("bytesOut=13") != std::string::npos);
    });
}

TEST_CASE("node calls: what a machine refuses is told in the server's own form", "[reach]") {
    run_task([]() -> Task<> {
        Asked asked(co_await this_executor, log::Logger());
        co_await asked.pair.left->write("GET / HTTP/1.1\r\nHost: api\r\n\r\n");
        asked.serve({.node = "robot-7", .target = "/stats/summary", .user = "admin"});
        const std::string answer = co_await asked.answer();
        CHECK(answer.starts_with("HTTP/1.1 400 "));
        CHECK(answer.ends_with("refused: waiting to start"));
    });
}

TEST_CASE("node calls: what goes through the node proxy is not changed", "[reach]") {
    run_task([]() -> Task<> {
        Asked asked(co_await this_executor, log::Logger());
        co_await asked.pair.left->write("GET / HTTP/1.1\r\nHost: api\r\n\r\n");
        asked.serve(
            {.node = "robot-7", .target = "/stats/summary", .user = "admin", .is_proxy = true}
        );
        const std::string answer = co_await asked.answer();
        CHECK(answer.starts_with("HTTP/1.1 400 "));
        CHECK(answer.find("waiting to start\n") != std::string::npos);
        CHECK(answer.find("refused") == std::string::npos);
    });
}

TEST_CASE("node calls: a machine that is away is told as such", "[reach]") {
    run_task([]() -> Task<> {
        Asked asked(co_await this_executor, log::Logger());
        co_await asked.pair.left->write("GET / HTTP/1.1\r\nHost: api\r\n\r\n");
        asked.serve({.node = "robot-8", .target = std::string(kLogs), .user = "admin"});
        const std::string answer = co_await asked.answer();
        CHECK(answer.starts_with("HTTP/1.1 503 "));
        CHECK(answer.ends_with("refused: node is not connected"));
        CHECK(asked.calls.counters().failed == 1);
    });
}

TEST_CASE("node calls: the bytes of an upgraded connection are relayed untouched", "[reach]") {
    run_task([]() -> Task<> {
        Asked asked(co_await this_executor, log::Logger());
        co_await asked.pair.left->write(
            "POST / HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n"
            "X-Stream-Protocol-Version: v3.channel.k8s.io\r\nContent-Length: 0\r\n\r\nat once, "
        );
        asked.serve({.node = "robot-7", .target = "/exec/a/b/c?command=x&input=1", .user = "a"});
        co_await asked.pair.left->write("later");
        asked.pair.left->end_writing();
        const std::string answer = co_await asked.answer();
        CHECK(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
        CHECK(answer.find("X-Stream-Protocol-Version: v4.channel.k8s.io\r\n") != std::string::npos);
        CHECK(answer.ends_with("\r\n\r\nhello at once, later"));
        const net::HttpRequest& request = asked.machine.requests.at(0);
        CHECK(request.method == "POST");
        std::string offered;
        for (const auto& [name, value] : request.headers.fields()) {
            if (name == "X-Stream-Protocol-Version") offered += value + " ";
        }
        CHECK(offered == "v4.channel.k8s.io v3.channel.k8s.io ");
        CHECK(asked.machine.classes[0] == streams::StreamClass::bulk);
    });
}

TEST_CASE("node calls: a WebSocket of a protocol that nobody knows is refused", "[reach]") {
    run_task([]() -> Task<> {
        Asked asked(co_await this_executor, log::Logger());
        co_await asked.pair.left->write(
            "GET / HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Protocol: chat\r\n\r\n"
        );
        asked.serve({.node = "robot-7", .target = "/exec/a/b/c?command=x", .user = "a"});
        const std::string answer = co_await asked.answer();
        CHECK(answer.starts_with("HTTP/1.1 400 "));
        CHECK(asked.machine.requests.empty());
    });
}

TEST_CASE("node calls: our own questions get the whole answer", "[reach]") {
    run_task([]() -> Task<> {
        Asked asked(co_await this_executor, log::Logger());
        const auto answer = co_await asked.calls.get("robot-7", std::string(kLogs));
        REQUIRE(answer);
        CHECK(answer->status == 200);
        CHECK(answer->body == "first\nsecond\n");
        const auto away = co_await asked.calls.get("robot-8", "/stats/summary");
        REQUIRE_FALSE(away);
        CHECK(away.error().code() == ErrorCode::unavailable);
        co_await asked.machine.stop();
    });
}
