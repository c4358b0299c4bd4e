// SPDX-License-Identifier: Apache-2.0
//
// The machine's side of a stream in the tunnel, asked as cloudcore asks it.
#include "edgecore/nodeapi/node_api.hpp"

#include "common/async/task_group.hpp"
#include "common/net/http_stream_call.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_runtime.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/stream_pair.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace farhold::nodeapi {
namespace {

constexpr const char* kPod = R"({"metadata":{"namespace":"ns","name":"p","uid":"u"},
    "spec":{"containers":[{"name":"c"}]},
    "status":{"containerStatuses":[{"name":"c","containerID":"containerd://a","restartCount":0,
        "state":{"running":{}}}]}})";

struct Answer {
    int status = 0;
    std::string body;
};

class Machine {
public:
    explicit Machine(const Executor& executor)
        : files_("files"),
          executor_(executor),
          group_(executor),
          api_({
              .executor = executor,
              .runtime = runtime,
              .files = files_,
              .clock = clock_,
              .node_name = "edge-1",
              .pod_log_root = dir.path(),
              .pods = [this] { return std::vector<json::Value>{pod}; },
              .pod = [this](
                         std::string_view ns, std::string_view name
                     ) { return ns == "ns" && name == "p" ? pod : json::Value(); },
              .configuration = [] { return json::Value::make_object(); },
              .metrics = [] { return std::string("farhold_x 1\n"); },
              .log = log::Logger(),
          }) {
        group_.spawn(api_.run());
    }

    Task<> stop() {
        group_.cancel();
        co_await group_.join();
    }

    Task<Result<std::unique_ptr<net::HttpStreamCall>>> call(net::HttpRequest request) {
        test::StreamPair pair(executor_);
        group_.spawn(api_.serve(std::move(pair.right)));
        co_return co_await net::call_on_stream(std::move(pair.left), std::move(request), "edge-1");
    }

    Task<Answer> ask(std::string target, std::string method = "GET") {
        net::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        const auto answer = co_await call(std::move(request));
        if (!answer) co_return Answer{.body = answer.error().message()};
        Answer whole{.status = (*answer)->status()};
        while (true) {
            const auto piece = co_await (*answer)->next();
            if (!piece || piece->empty()) co_return whole;
            whole.body += *piece;
        }
    }

    void write_log(std::string_view text) {
        std::filesystem::create_directories(dir.file("ns_p_u/c"));
        std::ofstream(dir.file("ns_p_u/c/0.log"), std::ios::app)
            << "2026-11-23T18:45:51Z stdout F " << text << "\n";
    }

    test::TempDir dir;
    test::FakeRuntime runtime;
    json::Value pod = json::Value::parse(kPod).value();

private:
    WorkerThread files_;
    SystemClock clock_;
    Executor executor_;
    TaskGroup group_;
    NodeApi api_;
};

template <class Body>
void with_machine(Body body) {
    test::run_task([&]() -> Task<> {
        Machine machine(co_await this_executor);
        co_await body(machine);
        co_await machine.stop();
    });
}

}  // namespace

TEST_CASE("node_api: what monitoring asks is answered", "[nodeapi]") {
    with_machine([](Machine& machine) -> Task<> {
        CHECK((co_await machine.ask("/healthz")).body == "ok");
        CHECK((co_await machine.ask("/metrics")).body == "farhold_x 1\n");
        CHECK((co_await machine.ask("/pods")).body.contains(R"("kind":"PodList")"));
        CHECK((co_await machine.ask("/configz")).body == "{}");
        const Answer metrics = co_await machine.ask("/metrics/resource");
        CHECK(metrics.status == 200);
        CHECK(metrics.body.contains("\nnode_cpu_usage_seconds_total "));
        CHECK((co_await machine.ask("/stats/summary")).body.contains(R"("nodeName":"edge-1")"));
        CHECK((co_await machine.ask("/nothing")).status == 404);
        CHECK((co_await machine.ask("/healthz", "POST")).status == 405);
        machine.runtime.readable = false;
        CHECK((co_await machine.ask("/stats/summary")).status == 503);
    });
}

TEST_CASE("node_api: a log is sent as it is asked for", "[nodeapi]") {
    with_machine([](Machine& machine) -> Task<> {
        machine.write_log("a");
        machine.write_log("b");
        CHECK((co_await machine.ask("/containerLogs/ns/p/c")).body == "a\nb\n");
        CHECK((co_await machine.ask("/containerLogs/ns/p/u/c?tailLines=1")).body == "b\n");
        CHECK((co_await machine.ask("/containerLogs/ns/p/c?tailLines=x")).status == 422);
        CHECK((co_await machine.ask("/containerLogs/ns/p/c?previous=true")).status == 400);
        CHECK((co_await machine.ask("/containerLogs/ns/p/x")).status == 404);
        CHECK((co_await machine.ask("/containerLogs/ns/p/other/c")).status == 404);
        CHECK((co_await machine.ask("/containerLogs/ns/q/c")).body == "pod does not exist");
    });
}

TEST_CASE("node_api: who follows a log gets new lines until the container has ended", "[nodeapi]") {
    with_machine([](Machine& machine) -> Task<> {
        machine.write_log("a");
        net::HttpRequest request;
        request.target = "/containerLogs/ns/p/c?follow=true";
        const auto answer = co_await machine.call(std::move(request));
        REQUIRE(answer);
        const auto first = co_await (*answer)->next();
        REQUIRE(first);
        CHECK(*first == "a\n");
        machine.write_log("b");
        const auto second = co_await (*answer)->next();
        REQUIRE(second);
        CHECK(*second == "b\n");
        machine.write_log("c");
        machine.pod = json::Value::make_object();
        std::string rest;
        while (true) {
            const auto piece = co_await (*answer)->next();
            REQUIRE(piece);
            if (piece->empty()) break;
            rest += *piece;
        }
        CHECK(rest == "c\n");
    });
}

TEST_CASE("node_api: a session that cannot begin says why", "[nodeapi]") {
    with_machine([](Machine& machine) -> Task<> {
        const auto upgrade = [&machine](std::string target) -> Task<Answer> {
            net::HttpRequest request;
            request.method = "POST";
            request.target = std::move(target);
            request.headers.add("Upgrade", "SPDY/3.1");
            const auto answer = co_await machine.call(std::move(request));
            if (!answer) co_return Answer{.body = answer.error().message()};
            const auto text = co_await (*answer)->next();
            co_return Answer{.status = (*answer)->status(), .body = text ? *text : ""};
        };
        const Answer plain = co_await machine.ask("/exec/ns/p/c?command=a&output=1", "POST");
        CHECK(plain.status == 400);
        CHECK(plain.body == "Upgrade request required");
        const Answer none = co_await upgrade("/exec/ns/p/c?command=a");
        CHECK(none.status == 400);
        CHECK(none.body == "you must specify at least 1 of stdin, stdout, stderr");
        CHECK((co_await upgrade("/exec/ns/p/c?output=1")).status == 400);
        const Answer missing = co_await upgrade("/exec/ns/p/c?command=a&output=1");
        CHECK(missing.status == 500);
        CHECK(missing.body == "container not found (\"c\")");
        CHECK((co_await upgrade("/attach/ns/p/c?output=1")).status == 500);
        CHECK((co_await upgrade("/portForward/ns/p?port=80")).body == "the pod does not run");
        CHECK((co_await upgrade("/portForward/ns/q?port=80")).status == 404);
    });
}

}  // namespace farhold::nodeapi
