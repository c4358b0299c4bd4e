// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_status.hpp"

#include "pod_bench.hpp"
#include "tests/support/catch.hpp"

namespace farhold::pods::test {

namespace {

std::string phase_of(Bench& bench) {
    return make_pod_status(bench.lifecycle, {.now = bench.wall}).phase;
}

json::Value status_of(Bench& bench) {
    return make_pod_status(
               bench.lifecycle,
               {.host_ips = {"192.0.2.1"}, .pod_ips = {"10.0.0.1"}, .now = bench.wall}
    )
        .status;
}

json::Value container(Bench& bench, std::size_t index = 0) {
    return status_of(bench).find("containerStatuses")->array().at(index);
}

std::string condition(Bench& bench, std::string_view type, std::string_view field) {
    const json::Value status = status_of(bench);
    for (const json::Value& entry : status.find("conditions")->array()) {
        if (entry.text_at({"type"}) == type) {
            return std::string(entry.text_at({field}));
        }
    }
    return "none";
}

void start(Bench& bench, const std::string& json = pod_json()) {
    bench.lifecycle.desire(make_spec(json), bench.now());
    bench.settle();
}

}  // namespace

TEST_CASE("pod_status: a running pod reads as kubelet writes it", "[pods]") {
    Bench bench;
    start(bench, pod_json("", R"(,"generation":1)"));
    const auto expected = json::Value::parse(R"({
      "observedGeneration":1,
      "phase":"Running",
      "conditions":[
        {"type":"PodReadyToStartContainers","observedGeneration":1,"status":"True",
         "lastProbeTime":null,"lastTransitionTime":"2023-11-14T22:13:20Z"},
        {"type":"Initialized","observedGeneration":1,"status":"True",
         "lastProbeTime":null,"lastTransitionTime":"2023-11-14T22:13:20Z"},
        {"type":"Ready","observedGeneration":1,"status":"True",
         "lastProbeTime":null,"lastTransitionTime":"2023-11-14T22:13:20Z"},
        {"type":"ContainersReady","observedGeneration":1,"status":"True",
         "lastProbeTime":null,"lastTransitionTime":"2023-11-14T22:13:20Z"}],
      "hostIP":"192.0.2.1","hostIPs":[{"ip":"192.0.2.1"}],
      "podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}],
      "startTime":"2023-11-14T22:13:20Z",
      "containerStatuses":[
        {"name":"main","state":{"running":{"startedAt":"2023-11-14T22:13:20Z"}},"lastState":{},
         "ready":true,"restartCount":0,"image":"img:1","imageID":"",
         "containerID":"containerd://c2","started":true}],
      "qosClass":"BestEffort"})");
    REQUIRE(expected);
    CHECK(status_of(bench).dump_pretty() == expected->dump_pretty());
}

TEST_CASE("pod_status: the same state gives the same text at another time", "[pods]") {
    Bench bench;
    start(bench);
    const std::string before = status_of(bench).dump();
    bench.advance(1h);
    bench.lifecycle.runtime_changed();
    bench.settle();
    CHECK(status_of(bench).dump() == before);
}

TEST_CASE("pod_status: a pod that is not set up yet is Pending with ContainerCreating", "[pods]") {
    Bench bench;
    bench.volumes_work = false;
    start(bench);
    CHECK(phase_of(bench) == "Pending");
    CHECK(
        container(bench).at_path({"state", "waiting", "reason"})->as_string() == "ContainerCreating"
    );
    CHECK(container(bench).find("containerID") == nullptr);
    CHECK(condition(bench, "PodReadyToStartContainers", "status") == "False");
    CHECK(condition(bench, "Ready", "reason") == "ContainersNotReady");
    CHECK(condition(bench, "Ready", "message") == "containers with unready status: [main]");
}

TEST_CASE(
    "pod_status: a crash loop is Running, waiting, with the last end in lastState", "[pods]"
) {
    Bench bench;
    start(bench);
    bench.exit_container("main", 1);
    bench.settle();
    bench.exit_container("main", 7, "Error");
    bench.settle();
    CHECK(phase_of(bench) == "Running");
    const json::Value status = container(bench);
    CHECK(status.text_at({"state", "waiting", "reason"}) == "CrashLoopBackOff");
    CHECK(status.integer_at({"lastState", "terminated", "exitCode"}) == 7);
    CHECK(status.integer_at({"restartCount"}) == 1);
    CHECK_FALSE(status.bool_at({"ready"}));
    bench.advance(10s);
    bench.settle();
    CHECK(container(bench).at_path({"state", "running"}) != nullptr);
    CHECK(container(bench).integer_at({"restartCount"}) == 2);
}

TEST_CASE("pod_status: a finished pod shows how it ended and stays so", "[pods]") {
    Bench bench;
    start(bench, pod_json(R"(,"restartPolicy":"Never")"));
    bench.exit_container("main", 0);
    bench.settle();
    CHECK(phase_of(bench) == "Succeeded");
    CHECK(container(bench).text_at({"state", "terminated", "reason"}) == "Completed");
    CHECK(condition(bench, "Ready", "reason") == "PodCompleted");
    CHECK(condition(bench, "Initialized", "reason") == "PodCompleted");
    bench.wipe_runtime();
    bench.restart_process();
    bench.settle();
    CHECK(phase_of(bench) == "Succeeded");
    CHECK(container(bench).text_at({"state", "terminated", "reason"}) == "Completed");
}

TEST_CASE(
    "pod_status: a container that was lost has begun, and ended nobody knows when", "[pods]"
) {
    Bench bench;
    start(bench);
    bench.wipe_runtime();
    bench.restart_process();
    bench.settle();
    const json::Value status = container(bench);
    CHECK(status.text_at({"lastState", "terminated", "reason"}) == "ContainerStatusUnknown");
    CHECK(status.text_at({"lastState", "terminated", "startedAt"}) == "2023-11-14T22:13:20Z");
    REQUIRE(status.at_path({"lastState", "terminated", "finishedAt"}) != nullptr);
    CHECK(status.at_path({"lastState", "terminated", "finishedAt"})->is_null());
}

TEST_CASE("pod_status: a deleted pod ends with all containers terminated", "[pods]") {
    Bench bench;
    const std::string stamp = R"(,"deletionTimestamp":"2026-01-01T00:00:00Z")";
    start(bench);
    start(bench, pod_json("", stamp));
    CHECK(phase_of(bench) == "Failed");
    CHECK(container(bench).integer_at({"state", "terminated", "exitCode"}) == 143);

    Bench never_started;
    never_started.volumes_work = false;
    start(never_started);
    start(never_started, pod_json("", stamp));
    CHECK(
        container(never_started).text_at({"state", "terminated", "reason"}) ==
        "ContainerStatusUnknown"
    );
}

TEST_CASE("pod_status: a refused pod is Failed with the reason and without containers", "[pods]") {
    Bench bench;
    bench.lifecycle.desire(make_spec(pod_json()), bench.now());
    bench.lifecycle.refuse("NodePorts", "no room");
    bench.settle();
    CHECK(phase_of(bench) == "Failed");
    CHECK(status_of(bench).text_at({"reason"}) == "NodePorts");
    CHECK(status_of(bench).find("containerStatuses") == nullptr);
}

TEST_CASE("pod_status: init containers hold the pod in Pending and PodInitializing", "[pods]") {
    Bench bench;
    start(bench, R"({"metadata":{"name":"hello","namespace":"default"},"spec":
        {"initContainers":[{"name":"one","image":"init:1"}],
         "containers":[{"name":"main","image":"img:1"}]}})");
    CHECK(phase_of(bench) == "Pending");
    CHECK(container(bench).text_at({"state", "waiting", "reason"}) == "PodInitializing");
    CHECK(condition(bench, "Initialized", "message") == "containers with incomplete status: [one]");
    bench.exit_container("one", 0);
    bench.settle();
    CHECK(phase_of(bench) == "Running");
    CHECK(status_of(bench).find("initContainerStatuses")->array()[0].bool_at({"ready"}));
}

TEST_CASE("pod_status: a readiness gate keeps the pod unready and says so", "[pods]") {
    Bench bench;
    start(bench, pod_json(R"(,"readinessGates":[{"conditionType":"x/y"}])"));
    CHECK(condition(bench, "ContainersReady", "status") == "True");
    CHECK(condition(bench, "Ready", "reason") == "ReadinessGatesNotReady");
}

TEST_CASE("pod_status: a condition keeps its time over a restart of edgecore", "[pods]") {
    Bench bench;
    start(bench);
    status_of(bench);
    bench.exit_container("main", 1);
    bench.settle();
    const std::string since = condition(bench, "Initialized", "lastTransitionTime");
    bench.advance(1h);
    bench.restart_process();
    bench.settle();
    CHECK(condition(bench, "Initialized", "lastTransitionTime") == since);
}

TEST_CASE("pod_status: the main reason is what keeps the pod from running", "[pods]") {
    const auto reason = [](std::string_view status) {
        const WaitingReason main = main_reason(json::Value::parse(status).value());
        return main.reason + "|" + main.message;
    };
    CHECK(reason(R"({"phase":"Running","containerStatuses":[{"state":{"running":{}}}]})") == "|");
    CHECK(reason(R"({"phase":"Failed","reason":"Evicted","message":"no disk",
            "containerStatuses":[{"state":{"waiting":{"reason":"x"}}}]})") == "Evicted|no disk");
    CHECK(
        reason(R"({"initContainerStatuses":[{"state":{"terminated":{"reason":"Completed"}}}],
            "containerStatuses":[{"state":{"running":{}}},
            {"state":{"waiting":{"reason":"ImagePullBackOff","message":"why"}}}]})") ==
        "ImagePullBackOff|why"
    );
    CHECK(
        reason(R"({"containerStatuses":[{"state":{"terminated":{"reason":"OOMKilled"}}}]})") ==
        "OOMKilled|"
    );
}

}  // namespace farhold::pods::test
