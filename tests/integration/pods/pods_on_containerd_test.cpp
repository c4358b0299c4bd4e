// SPDX-License-Identifier: Apache-2.0
//
// Whole pods on a real containerd, from rows of the store to running containers and back to reports.
#include "edgecore/runtime/cri_runtime.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/containerd/containerd_fixture.hpp"
#include "tests/support/pod_node.hpp"
#include "tests/support/run_task.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

using namespace farhold;  // NOLINT(google-build-using-namespace)
using test::PodNode;

namespace {

constexpr auto kStore = "11111111-2222-3333-4444-555555555555";

test::ContainerdFixture& containerd() {
    static test::ContainerdFixture fixture;
    return fixture;
}

// A process of edgecore with its pods in `folder`; the body's pods outlive it.
template <class Body>
void with_node(const std::string& folder, Body body) {
    test::run_task([&]() -> Task<> {
        const Executor executor = co_await this_executor;
        runtime::CriRuntime runtime(
            executor, {.endpoint = "unix://" + containerd().socket(), .store_uuid = kStore},
            log::Logger()
        );
        std::exception_ptr failure;
        {
            PodNode node(executor, runtime, folder, containerd().cgroup_parent());
            try {
                co_await body(node);
            } catch (...) {
                failure = std::current_exception();
            }
            co_await node.stop();
        }
        co_await runtime.close();
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
}

std::string folder_of(const std::string& test) {
    return containerd().folder() + "/edge-" + test;
}

// A pod of one shell container; `extra` goes into the spec, `container` into the container.
std::string pod(
    const std::string& name, const std::string& script, const std::string& extra = "",
    const std::string& container = ""
) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{0}","namespace":"default",
        "uid":"uid-{0}","labels":{{"app":"test"}}}},"spec":{{"nodeName":"edge-1",
        "terminationGracePeriodSeconds":1,{2}"containers":[{{"name":"main","image":"{4}",
        "imagePullPolicy":"IfNotPresent",{3}"command":["/bin/sh","-c",{1}]}}]}}}})",
        name, json::Value::of(script).dump(), extra, container, test::ContainerdFixture::kBusybox
    );
}

constexpr auto kForever = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";

std::string deleted(const std::string& text) {
    json::Value object = *json::Value::parse(text);
    json::Value& metadata = *object.find("metadata");
    metadata.set("deletionTimestamp", json::Value::of("2026-01-01T00:00:00Z"));
    metadata.set("deletionGracePeriodSeconds", json::Value::of(1));
    return object.dump();
}

std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

Task<> delete_pod(PodNode& node, std::string name, std::string text) {
    std::vector<std::string> objects{deleted(text)};
    co_await node.apply(std::move(objects));
    co_await node.wait_until([&] { return node.gone(name); });
    object::ObjectKey key{"Pod", "default", name};
    co_await node.remove(std::move(key));
    co_await node.wait_until([&] { return node.status(name).is_null(); });
}

}  // namespace

TEST_CASE(
    "pods: runs with its configuration, reports as kubelet, and leaves nothing behind", "[pods]"
) {
    const std::string folder = folder_of("whole");
    const std::string text = pod(
        "whole",
        "cat /config/greeting /secret/key /sub/file /etc/hosts; echo; echo env=$WHO,$NODE,$KEY;"
        "echo shared > /scratch/x; cat /scratch/x; hostname; ls /config; echo bye > /last-words;"
        "touch /config/no || true;" +
            std::string(kForever),
        R"("volumes":[{"name":"config","configMap":{"name":"cm"}},
            {"name":"secret","secret":{"secretName":"sec"}},
            {"name":"scratch","emptyDir":{"medium":"Memory"}}],)",
        R"("volumeMounts":[{"name":"config","mountPath":"/config"},
            {"name":"secret","mountPath":"/secret"},{"name":"scratch","mountPath":"/scratch"},
            {"name":"config","mountPath":"/sub/file","subPath":"greeting"}],
           "terminationMessagePath":"/last-words",
           "resources":{"limits":{"memory":"64Mi","cpu":"500m"}},
           "env":[{"name":"WHO","value":"$(NODE)-me"},
            {"name":"NODE","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}},
            {"name":"KEY","valueFrom":{"secretKeyRef":{"name":"sec","key":"key"}}}],)"
    );
    with_node(folder, [&](PodNode& node) -> Task<> {
        std::vector<std::string> objects{
            text,
            R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"sec","namespace":"default",
               "uid":"s1"},"data":{"key":"b3Blbg=="}})",
        };
        co_await node.apply(std::move(objects));
        co_await node.wait_until([&] { return node.has_event("FailedMount"); });
        CHECK(node.phase("whole") == "Pending");

        std::vector<std::string> map{
            R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm",
               "namespace":"default","uid":"c1"},"data":{"greeting":"hello "}})",
        };
        co_await node.apply(std::move(map));
        co_await node.wait_until([&] { return node.phase("whole") == "Running"; });
        const json::Value status = node.status("whole");
        CHECK(status.text_at({"podIP"}).starts_with("10."));
        CHECK(status.text_at({"hostIP"}) == "192.0.2.1");
        CHECK(status.text_at({"qosClass"}) == "Guaranteed");
        const json::Value container = node.container("whole");
        CHECK(container.bool_at({"ready"}));
        CHECK(container.text_at({"containerID"}).starts_with("containerd://"));
        CHECK(container.text_at({"imageID"}).starts_with("sha256:"));

        const std::string log = node.log_folder() + "/default_whole_uid-whole/main/0.log";
        co_await node.wait_until([&] { return read(log).contains("Read-only file system"); });
        const std::string said = read(log);
        CHECK(said.contains("hello openhello # Kubernetes-managed hosts file."));
        CHECK(said.contains("\twhole\n"));
        CHECK(said.contains("env=$(NODE)-me,edge-1,open"));
        CHECK(said.contains("shared"));

        const std::string volume =
            node.pod_folder("uid-whole") + "/volumes/kubernetes.io~configmap/config";
        std::vector<std::string> changed{
            R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm",
               "namespace":"default","uid":"c1"},"data":{"greeting":"good day"}})",
        };
        co_await node.apply(std::move(changed));
        co_await node.wait_until([&] { return read(volume + "/greeting") == "good day"; });
        CHECK(node.container("whole").integer_at({"restartCount"}) == 0);

        co_await delete_pod(node, "whole", text);
        CHECK_FALSE(std::filesystem::exists(node.pod_folder("uid-whole")));
        CHECK_FALSE(std::filesystem::exists(node.log_folder() + "/default_whole_uid-whole"));
        co_await node.wait_until([&] { return node.keeper().memory().empty(); });
        const store::ReportRow* last = node.keeper().outbox().find("PodStatus/default/whole");
        REQUIRE(last != nullptr);
        const auto final_status = json::Value::parse(last->body);
        CHECK(
            final_status->find("containerStatuses")
                ->array()[0]
                .text_at({"state", "terminated", "message"}) == "bye\n"
        );
    });
}

TEST_CASE(
    "pods: a killed container restarts and counts, also after edgecore and power are gone", "[pods]"
) {
    const std::string folder = folder_of("count");
    const std::string text = pod("count", kForever);
    std::string id;
    with_node(folder, [&](PodNode& node) -> Task<> {
        std::vector<std::string> objects{text};
        co_await node.apply(std::move(objects));
        co_await node.wait_until([&] { return node.phase("count") == "Running"; });
        const std::string first(node.container("count").text_at({"containerID"}));
        containerd().ctr({"tasks", "kill", "-s", "KILL", first.substr(13)});
        co_await node.wait_until([&] {
            return node.container("count").integer_at({"restartCount"}) == 1 &&
                   node.container("count").bool_at({"ready"});
        });
        CHECK(node.container("count").integer_at({"lastState", "terminated", "exitCode"}) == 137);
        id = node.container("count").text_at({"containerID"});
        CHECK(node.manager().summaries().at(0).restarts == 1);
    });
    with_node(folder, [&](PodNode& node) -> Task<> {
        co_await node.wait_until([&] { return node.phase("count") == "Running"; });
        CHECK(node.container("count").text_at({"containerID"}) == id);  // Adopted.
        CHECK(node.container("count").integer_at({"restartCount"}) == 1);
    });
    containerd().cut_power();
    containerd().start();
    with_node(folder, [&](PodNode& node) -> Task<> {
        co_await node.wait_until([&] {
            return node.container("count").integer_at({"restartCount"}) == 2 &&
                   node.container("count").bool_at({"ready"});
        });
        object::ObjectKey key{"Pod", "default", "count"};
        co_await node.remove(std::move(key));  // Forced: the row is gone, so is the pod.
        co_await node.wait_until([&] { return node.manager().summaries().empty(); });
        CHECK(containerd().ctr({"containers", "list", "-q"}).empty());
    });
}

TEST_CASE("pods: one that must not restart ends with its exit code and last words", "[pods]") {
    const std::string text =
        pod("once", "echo first; echo it broke; exit 7", R"("restartPolicy":"Never",)",
            R"("terminationMessagePolicy":"FallbackToLogsOnError",)");
    with_node(folder_of("once"), [&](PodNode& node) -> Task<> {
        std::vector<std::string> objects{text};
        co_await node.apply(std::move(objects));
        co_await node.wait_until([&] { return node.phase("once") == "Failed"; });
        const json::Value end = *node.container("once").at_path({"state", "terminated"});
        CHECK(end.integer_at({"exitCode"}) == 7);
        CHECK(end.text_at({"reason"}) == "Error");
        CHECK(end.text_at({"message"}) == "first\nit broke\n");
        co_await delete_pod(node, "once", text);
    });
}

TEST_CASE("pods: a command that does not exist is a crash loop, not a hang", "[pods]") {
    const std::string text = fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"typo","namespace":"default",
        "uid":"uid-typo"}},"spec":{{"nodeName":"edge-1","hostNetwork":true,"terminationGracePeriodSeconds":1,
        "containers":[{{"name":"main","image":"{}","command":["/no/such"]}}]}}}})",
        test::ContainerdFixture::kBusybox
    );
    with_node(folder_of("typo"), [&](PodNode& node) -> Task<> {
        std::vector<std::string> objects{text};
        co_await node.apply(std::move(objects));
        co_await node.wait_until([&] {
            return node.container("typo").text_at({"state", "waiting", "reason"}) ==
                   "CrashLoopBackOff";
        });
        CHECK(
            node.container("typo").text_at({"lastState", "terminated", "reason"}) == "StartError"
        );
        co_await delete_pod(node, "typo", text);
    });
}

TEST_CASE("pods: containerd that dies and comes back changes no container", "[pods]") {
    const std::string text = pod("steady", kForever);
    with_node(folder_of("steady"), [&](PodNode& node) -> Task<> {
        std::vector<std::string> objects{text};
        co_await node.apply(std::move(objects));
        co_await node.wait_until([&] { return node.phase("steady") == "Running"; });
        const std::string id(node.container("steady").text_at({"containerID"}));
        containerd().kill();
        std::vector<std::string> other{pod("later", kForever)};
        co_await node.apply(std::move(other));
        co_await node.wait_until([&] { return node.phase("later") == "Pending"; });
        containerd().start();
        co_await node.wait_until([&] { return node.phase("later") == "Running"; });
        CHECK(node.container("steady").text_at({"containerID"}) == id);
        CHECK(node.container("steady").integer_at({"restartCount"}) == 0);
        co_await delete_pod(node, "steady", text);
        co_await delete_pod(node, "later", pod("later", kForever));
    });
}
