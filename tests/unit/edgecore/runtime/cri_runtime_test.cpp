// SPDX-License-Identifier: Apache-2.0
//
// CriRuntime against a server that answers as containerd does in its bad moments. What it does in
// its good ones is tested against a real one (tests/integration/runtime).
#include "edgecore/runtime/cri_runtime.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/grpc/server.hpp"
#include "edgecore/runtime/cri_messages.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::runtime;  // NOLINT(google-build-using-namespace)

namespace {

using Answer = std::function<Result<std::string>(const std::string& request)>;

Task<Result<std::string>> give(Result<std::string> answer) {
    co_return std::move(answer);
}

// Runs the body with a runtime whose peer has these answers.
template <class Body>
void with_answers(const std::map<std::string, Answer>& answers, Body body) {
    const farhold::test::TempDir folder;
    const auto path = folder.file("cri.sock");
    farhold::test::run_task([&]() -> Task<> {
        grpc::Server server(co_await this_executor, {});
        for (const auto& [method, answer] : answers) {
            grpc::Server::Handler handler = [answer](const std::string& request) {
                return give(answer(request));
            };
            server.add(method, std::move(handler));
        }
        REQUIRE(server.listen(path));
        CriOptions options{.endpoint = "unix://" + path, .store_uuid = "store-1"};
        CriRuntime runtime(co_await this_executor, std::move(options), log::Logger());
        co_await body(runtime);
        co_await runtime.close();
        co_await server.stop();
    });
}

Answer always(ErrorCode code, std::string message) {
    return [=](const std::string&) -> Result<std::string> { return fail(code, message); };
}

Answer ok() {
    return [](const std::string&) -> Result<std::string> { return std::string(); };
}

}  // namespace

TEST_CASE("cri_runtime: waits for a containerd that is still starting", "[runtime]") {
    int asked = 0;
    const Answer starting = [&](const std::string&) -> Result<std::string> {
        if (++asked < 3) {
            return fail(ErrorCode::internal, "server is not initialized yet");
        }
        return std::string();
    };
    with_answers(
        {{"/runtime.v1.RuntimeService/ListPodSandbox", starting},
         {"/runtime.v1.RuntimeService/ListContainers", ok()}},
        [&](CriRuntime& runtime) -> Task<> {
            const auto state = co_await runtime.list();
            CHECK(state);
            CHECK(asked == 3);
        }
    );
}

TEST_CASE("cri_runtime: lists by the label of its own store", "[runtime]") {
    std::string asked;
    const Answer listing = [&](const std::string& request) -> Result<std::string> {
        cri::ListPodSandboxRequest message;
        REQUIRE(message.ParseFromString(request));
        asked = message.filter().label_selector().at(kStoreLabel);
        return std::string();
    };
    with_answers(
        {{"/runtime.v1.RuntimeService/ListPodSandbox", listing},
         {"/runtime.v1.RuntimeService/ListContainers", ok()}},
        [&](CriRuntime& runtime) -> Task<> {
            const auto state = co_await runtime.list();
            CHECK(state);
            CHECK(asked == "store-1");
        }
    );
}

TEST_CASE("cri_runtime: tells apart what containerd calls unknown", "[runtime]") {
    struct Case {
        std::string text;
        ErrorCode code;
    };
    const std::vector<Case> cases{
        {R"(failed to reserve sandbox name "hello_default_uid_0": name is reserved)",
         ErrorCode::already_exists},
        {"failed to setup network for sandbox: cni plugin not initialized", ErrorCode::internal},
    };
    for (const auto& one : cases) {
        with_answers(
            {{"/runtime.v1.RuntimeService/RunPodSandbox", always(ErrorCode::internal, one.text)}},
            [&](CriRuntime& runtime) -> Task<> {
                const SandboxConfig config;
                const auto id = co_await runtime.run_sandbox(config);
                REQUIRE(!id);
                CHECK(id.error().code() == one.code);
                CHECK(id.error().message() == "RunPodSandbox: " + one.text);
            }
        );
    }
    with_answers(
        {{"/runtime.v1.RuntimeService/Version",
          always(ErrorCode::unsupported, "unknown service runtime.v1.RuntimeService")}},
        [&](CriRuntime& runtime) -> Task<> {
            const auto version = co_await runtime.version();
            REQUIRE(!version);
            CHECK(version.error().code() == ErrorCode::unavailable);
            CHECK(version.error().message().find("its log tells why") != std::string::npos);
        }
    );
}

TEST_CASE("cri_runtime: an end of what is gone has succeeded", "[runtime]") {
    const auto gone = always(ErrorCode::not_found, "no such container");
    with_answers(
        {{"/runtime.v1.RuntimeService/StopContainer", gone},
         {"/runtime.v1.RuntimeService/RemoveContainer", gone},
         {"/runtime.v1.RuntimeService/StopPodSandbox", gone},
         {"/runtime.v1.RuntimeService/RemovePodSandbox", gone},
         {"/runtime.v1.RuntimeService/StartContainer", gone}},
        [](CriRuntime& runtime) -> Task<> {
            CHECK(co_await runtime.stop_container("c", std::chrono::seconds(1)));
            CHECK(co_await runtime.remove_container("c"));
            CHECK(co_await runtime.stop_sandbox("s"));
            CHECK(co_await runtime.remove_sandbox("s"));
            const auto started = co_await runtime.start_container("c");
            REQUIRE(!started);
            CHECK(started.error().code() == ErrorCode::not_found);
        }
    );
}

TEST_CASE("cri_runtime: removes the task that stands in the way of a sandbox", "[runtime]") {
    const std::string id(64, 'a');
    std::vector<std::string> calls;
    const auto noted = [&](std::string name, int failures, const std::string& text) -> Answer {
        auto left = std::make_shared<int>(failures);
        return [&calls, name, left, text](const std::string&) -> Result<std::string> {
            calls.push_back(name);
            if ((*left)-- > 0) {
                return fail(ErrorCode::conflict, text);
            }
            return std::string();
        };
    };
    const auto in_the_way = "cannot delete running task " + id + ": failed precondition";
    with_answers(
        {{"/runtime.v1.RuntimeService/RemovePodSandbox", noted("remove", 1, in_the_way)},
         {"/containerd.services.tasks.v1.Tasks/Kill", noted("kill", 0, "")},
         {"/containerd.services.tasks.v1.Tasks/Delete", noted("delete", 1, "still running")}},
        [&](CriRuntime& runtime) -> Task<> {
            CHECK(co_await runtime.remove_sandbox("s"));
            CHECK(
                calls == std::vector<std::string>{"remove", "kill", "delete", "delete", "remove"}
            );
        }
    );
}

TEST_CASE("cri_runtime: an answer that cannot be read is corrupt", "[runtime]") {
    const Answer garbage = [](const std::string&) -> Result<std::string> {
        return std::string("\xff\xff\xff\xff");
    };
    with_answers(
        {{"/runtime.v1.RuntimeService/Version", garbage}},
        [](CriRuntime& runtime) -> Task<> {
            const auto version = co_await runtime.version();
            REQUIRE(!version);
            CHECK(version.error().code() == ErrorCode::corrupt);
        }
    );
}

TEST_CASE("cri_runtime: without a runtime the connection says why", "[runtime]") {
    farhold::test::run_task([]() -> Task<> {
        CriOptions options{.endpoint = "unix:///nonexistent/cri.sock", .store_uuid = "store-1"};
        CriRuntime runtime(co_await this_executor, std::move(options), log::Logger());
        Event changed(co_await this_executor);
        TaskGroup group(co_await this_executor);
        group.spawn(runtime.watch_events(changed));
        const auto state = co_await runtime.list();
        REQUIRE(!state);
        CHECK(state.error().code() == ErrorCode::unavailable);
        Event pause(co_await this_executor);
        while (runtime.connection().reason == "not connected yet") {
            co_await pause.wait_for(std::chrono::milliseconds(1));
        }
        CHECK(!runtime.connection().connected);
        CHECK(runtime.connection().reason.find("No such file") != std::string::npos);
        group.cancel();
        co_await group.join();
        co_await runtime.close();
    });
}
