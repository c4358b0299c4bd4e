// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_manager.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/fake_runtime.hpp"
#include "tests/support/pod_node.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

namespace farhold::pods::test {

using farhold::test::FakeRuntime;
using farhold::test::PodNode;
using farhold::test::run_task;
using farhold::test::TempDir;

namespace {

std::string pod(
    const std::string& name, const std::string& uid, const std::string& extra = "",
    const std::string& metadata = ""
) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{{3}"name":"{0}","namespace":"default",
        "uid":"{1}"}},"spec":{{"nodeName":"edge-1","containers":[{{{2}"name":"main","image":"img:1"}}]}}}})",
        name, uid, extra, metadata
    );
}

constexpr auto kPort = R"("ports":[{"containerPort":80,"hostPort":8080}],)";
constexpr Duration kHour = std::chrono::hours(1);
constexpr auto kDeleting = R"("deletionTimestamp":"2026-01-01T00:00:00Z",
    "deletionGracePeriodSeconds":300,)";

Task<> apply(PodNode& node, std::string object) {
    std::vector<std::string> objects{std::move(object)};
    co_await node.apply(std::move(objects));
}

Task<> remove(PodNode& node, std::string name) {
    object::ObjectKey key{"Pod", "default", std::move(name)};
    co_await node.remove(std::move(key));
}

// Mounts the API's token, as ServiceAccount admission does.
std::string token_pod(const std::string& name, const std::string& uid) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{0}","namespace":"default",
        "uid":"{1}"}},"spec":{{"nodeName":"edge-1","serviceAccountName":"robot",
        "containers":[{{"name":"main","image":"img:1"}}],
        "volumes":[{{"name":"v","projected":{{"sources":[
            {{"serviceAccountToken":{{"path":"token","expirationSeconds":3607}}}}]}}}}]}}}})",
        name, uid
    );
}

std::string token_file(const PodNode& node, const std::string& uid) {
    std::ifstream in(node.pod_folder(uid) + "/volumes/kubernetes.io~projected/v/token");
    return {std::istreambuf_iterator<char>(in), {}};
}

// With its mounts.
Task<> take_away(PodNode& node) {
    co_await remove(node, "a");
    co_await node.wait_until([&] { return node.manager().summaries().empty(); });
}

// Tokens are in a tmpfs, and mounting needs root; without it these tests show nothing.
bool is_root() {
    return ::geteuid() == 0;
}

// The hub's answer to the last wish.
void answer(PodNode& node, std::string token) {
    node.manager().token_answered(
        node.wishes.back(), {.token = std::move(token), .expires = node.trusted_time + kHour}
    );
}

// The body runs as one process of edgecore on the runtime and folder of the test.
struct Machine {
    TempDir folder;

    void run(
        const std::function<Task<>(PodNode&, FakeRuntime&)>& body, runtime::RuntimeState state = {}
    ) {
        run_task([&]() -> Task<> {
            const Executor executor = co_await this_executor;
            FakeRuntime runtime;
            runtime.state = std::move(state);
            PodNode node(executor, runtime, folder.path(), "/farhold-test-none");
            co_await body(node, runtime);
            co_await node.stop();
            last = runtime.state;
        });
    }

    runtime::RuntimeState last;
};

// What a pod of an earlier process looks like in the runtime.
runtime::RuntimeState orphan(const std::string& uid) {
    runtime::RuntimeState state;
    runtime::Sandbox sandbox;
    sandbox.id = "old-s";
    sandbox.pod = {.ns = "default", .name = "old", .uid = uid};
    sandbox.state = runtime::SandboxState::ready;
    state.sandboxes.push_back(sandbox);
    runtime::Container container;
    container.id = "old-c";
    container.sandbox_id = sandbox.id;
    container.pod = sandbox.pod;
    container.name = "main";
    container.state = runtime::ContainerState::running;
    state.containers.push_back(container);
    return state;
}

}  // namespace

TEST_CASE("pod_manager: a pod of the store runs, and its removal takes it away", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, pod("a", "u1"));
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
        CHECK(runtime.running("u1") == 1);
        CHECK(node.manager().summaries().at(0).ready);
        co_await node.wait_until([&] { return node.keeper().memory().contains("u1"); });
        co_await remove(node, "a");
        co_await node.wait_until([&] { return node.manager().summaries().empty(); });
        CHECK(runtime.state.sandboxes.empty());
        CHECK(node.keeper().memory().empty());
        CHECK(node.status("a").is_null());
    });
}

TEST_CASE(
    "pod_manager: an incomplete store stops nothing, a complete one stops orphans", "[pods]"
) {
    Machine machine;
    machine.run(
        [](PodNode& node, FakeRuntime& runtime) -> Task<> {
            co_await node.wait_until([&] { return node.manager().summaries().size() == 1; });
            runtime.tell();
            Event pause(co_await this_executor);
            co_await pause.wait_for(std::chrono::milliseconds(300));
            CHECK(runtime.running("gone") == 1);
            co_await apply(node, pod("a", "u1"));  // From here on the store is complete.
            co_await node.wait_until([&] { return runtime.running("gone") == 0; });
            co_await node.wait_until([&] { return runtime.running("u1") == 1; });
        },
        orphan("gone")
    );
}

TEST_CASE("pod_manager: a store that may be an old copy stops nothing newer than it", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, pod("a", "u1"));
        co_await node.wait_until([&] { return runtime.running("u1") == 1; });
    });
    // The store is complete, and knows nothing of what runs.
    machine.run(
        [](PodNode& node, FakeRuntime& runtime) -> Task<> {
            REQUIRE(node.keeper().desired().complete());
            co_await node.wait_until([&] { return runtime.running("u1") == 1; });
            runtime.tell();
            Event pause(co_await this_executor);
            co_await pause.wait_for(std::chrono::milliseconds(300));
            CHECK(runtime.running("newer") == 1);
            co_await apply(node, pod("a", "u1"));  // The hub has been asked.
            co_await node.wait_until([&] { return runtime.running("newer") == 0; });
            CHECK(runtime.running("u1") == 1);
        },
        orphan("newer")
    );
}

TEST_CASE("pod_manager: a runtime that cannot be read yet is waited for", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        runtime.readable = false;
        co_await apply(node, pod("a", "u1"));
        Event pause(co_await this_executor);
        co_await pause.wait_for(std::chrono::milliseconds(100));
        CHECK(runtime.state.sandboxes.empty());
        runtime.readable = true;
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
    });
}

TEST_CASE("pod_manager: a pod that is bound to another machine is not started", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        std::string foreign = pod("b", "u2");
        foreign.replace(foreign.find("edge-1"), 6, "edge-2");
        std::vector<std::string> objects{std::move(foreign), pod("a", "u1")};
        co_await node.apply(std::move(objects));
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
        CHECK(runtime.running("u2") == 0);
        CHECK(node.manager().summaries().size() == 1);
        CHECK(node.status("b").is_null());  // Its own machine speaks for it.
    });
}

TEST_CASE("pod_manager: the same name under another uid is another pod", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, pod("a", "u1"));
        co_await node.wait_until([&] { return runtime.running("u1") == 1; });
        co_await apply(node, pod("a", "u2"));
        co_await node.wait_until([&] {
            return runtime.running("u1") == 0 && runtime.running("u2") == 1;
        });
        co_await node.wait_until([&] { return node.manager().summaries().size() == 1; });
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
    });
}

TEST_CASE("pod_manager: a sandbox start that lost its answer is adopted", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        runtime.lose_next_answer = true;
        co_await apply(node, pod("a", "u1"));
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
        CHECK(runtime.state.sandboxes.size() == 1);
    });
}

TEST_CASE("pod_manager: a host port in use refuses the second pod", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, pod("a", "u1", kPort));
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
        co_await apply(node, pod("b", "u2", kPort));
        co_await node.wait_until([&] { return node.phase("b") == "Failed"; });
        CHECK(node.status("b").text_at({"reason"}) == "NodePorts");
        CHECK(runtime.running("u2") == 0);
        CHECK(node.phase("a") == "Running");
    });
}

TEST_CASE("pod_manager: a host port of a pod on its way out is waited for", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, pod("a", "u1", kPort));
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
        runtime.hold_stops = true;
        co_await apply(node, pod("a", "u1", kPort, kDeleting));
        co_await node.wait_until([&] { return node.has_event("Killing"); });
        co_await apply(node, pod("b", "u2", kPort));
        CHECK(node.status("b").is_null());
        // Forced away: the held stop is given up for one without grace.
        runtime.hold_stops = false;
        co_await remove(node, "a");
        for (auto& container : runtime.state.containers) {
            container.state = runtime::ContainerState::exited;
        }
        co_await apply(
            node,
            pod("a", "u1", kPort,
                R"("deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":0,)")
        );
        co_await node.wait_until([&] { return node.gone("a"); });
        co_await remove(node, "a");
        co_await node.wait_until([&] { return node.phase("b") == "Running"; });
    });
}

TEST_CASE("pod_manager: what this edgecore cannot run is refused by name", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, pod("a", "u1", R"("livenessProbe":{"exec":{"command":["x"]}},)"));
        co_await node.wait_until([&] { return node.phase("a") == "Failed"; });
        CHECK(node.status("a").text_at({"reason"}) == "UnsupportedFeature");
        CHECK(
            node.status("a").text_at({"message"}).ends_with("container \"main\" sets livenessProbe")
        );
        CHECK(node.has_event("UnsupportedFeature"));
        CHECK(runtime.state.sandboxes.empty());
    });
}

TEST_CASE(
    "pod_manager: a row that cannot be read fails a new pod and leaves a running one alone",
    "[pods]"
) {
    Machine machine;
    const std::string broken = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a",
        "namespace":"default","uid":"u1"},"spec":{}})";
    machine.run([&](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, pod("a", "u1"));
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
        co_await apply(node, broken);
        CHECK(runtime.running("u1") == 1);
    });
    machine.run(
        [&](PodNode& node, FakeRuntime& runtime) -> Task<> {
            std::string other = broken;
            other.replace(other.find("\"a\""), 3, "\"b\"");
            other.replace(other.find("u1"), 2, "u2");
            co_await apply(node, other);
            co_await node.wait_until([&] { return node.phase("b") == "Failed"; });
            CHECK(node.status("b").text_at({"reason"}) == "InvalidPod");
            CHECK(runtime.running("u1") == 1);
        },
        machine.last
    );
}

TEST_CASE("pod_manager: a deletion does not wait for a pull that never ends", "[pods]") {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        runtime.missing.insert("img:1");
        co_await apply(node, pod("a", "u1"));
        co_await node.wait_until([&] { return runtime.pulls == 1; });
        co_await apply(node, pod("a", "u1", "", kDeleting));
        co_await node.wait_until([&] { return node.gone("a"); });
    });
}

TEST_CASE("pod_manager: folders that a dead process left behind are cleared away", "[pods]") {
    Machine machine;
    const std::string left = machine.folder.file("pods/left-uid");
    machine.run([&](PodNode& node, FakeRuntime&) -> Task<> {
        co_await apply(node, pod("a", "u1"));
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
    });
    std::filesystem::create_directories(left + "/volumes");
    machine.run(
        [&](PodNode& node, FakeRuntime& runtime) -> Task<> {
            co_await apply(node, pod("a", "u1"));
            co_await node.wait_until([&] { return !std::filesystem::exists(left); });
            CHECK(std::filesystem::exists(machine.folder.file("pods/u1")));
            CHECK(runtime.running("u1") == 1);
        },
        machine.last
    );
}

TEST_CASE("pod_manager: a pod gets its token, a newer one, and keeps it offline", "[pods]") {
    if (!is_root()) {
        return;
    }
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, token_pod("a", "u1"));
        co_await node.wait_until([&] { return !node.wishes.empty(); });
        const tunnel::TokenWish& wish = node.wishes.front();
        CHECK(wish.ns == "default");
        CHECK(wish.pod == "a");
        CHECK(wish.pod_uid == "u1");
        CHECK(wish.service_account == "robot");
        CHECK(wish.audience.empty());
        CHECK(wish.expiration_seconds == 3607);
        CHECK(runtime.running("u1") == 0);
        answer(node, "first");
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
        CHECK(token_file(node, "u1") == "first");
        CHECK_FALSE(node.has_event("FailedMount"));
        CHECK(node.wishes.size() == 1);

        node.trusted_time += kHour;
        node.manager().time_changed();
        co_await node.wait_until([&] { return node.wishes.size() == 2; });
        CHECK(token_file(node, "u1") == "first");
        answer(node, "second");
        co_await node.wait_until([&] { return token_file(node, "u1") == "second"; });
        CHECK(runtime.running("u1") == 1);
        CHECK(node.manager().counters().tokens_received == 2);
    });
    // The machine has been without power, and is without network: nobody answers any more.
    const std::string volume = machine.folder.path() + "/pods/u1/volumes/kubernetes.io~projected/v";
    CHECK(::umount2(volume.c_str(), MNT_DETACH) == 0);
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        node.trusted_time += 100 * kHour;
        co_await node.wait_until([&] { return runtime.running("u1") == 1; });
        CHECK(token_file(node, "u1") == "second");
        co_await node.wait_until([&] { return node.wishes.size() == 1; });
        answer(node, "third");
        co_await node.wait_until([&] { return token_file(node, "u1") == "third"; });
        co_await take_away(node);
    });
}

TEST_CASE("pod_manager: a pod that never had a token waits and says why", "[pods]") {
    if (!is_root()) {
        return;
    }
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& runtime) -> Task<> {
        co_await apply(node, token_pod("a", "u1"));
        co_await node.wait_until([&] { return node.has_event("FailedMount"); });
        CHECK(node.has_message("the hub has not answered yet"));
        node.manager().token_answered(
            node.wishes.back(), {.refusal = "serviceaccounts \"robot\" not found"}
        );
        co_await node.wait_until([&] {
            return node.has_message("serviceaccounts \"robot\" not found");
        });
        CHECK(runtime.running("u1") == 0);
        CHECK(node.wishes.size() == 1);
        // The account comes into the view: worth a new try at once.
        co_await apply(node, R"({"apiVersion":"v1","kind":"ServiceAccount",
                  "metadata":{"name":"robot","namespace":"default","uid":"s1"}})");
        co_await node.wait_until([&] { return node.wishes.size() == 2; });
        answer(node, "token");
        co_await node.wait_until([&] { return node.phase("a") == "Running"; });
        CHECK(token_file(node, "u1") == "token");
        CHECK(node.manager().counters().tokens_refused == 1);
        co_await take_away(node);
    });
}

TEST_CASE(
    "pod_manager: a pod goes while it waits for its token, and the answer is late", "[pods]"
) {
    Machine machine;
    machine.run([](PodNode& node, FakeRuntime& /*runtime*/) -> Task<> {
        co_await apply(node, token_pod("a", "u1"));
        co_await node.wait_until([&] { return !node.wishes.empty(); });
        co_await take_away(node);
        answer(node, "late");
        CHECK(node.keeper().memory().empty());
    });
}

}  // namespace farhold::pods::test
