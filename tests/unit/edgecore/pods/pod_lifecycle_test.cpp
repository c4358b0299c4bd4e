// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_lifecycle.hpp"

#include "pod_bench.hpp"
#include "tests/support/catch.hpp"

namespace farhold::pods::test {

namespace {

void start(Bench& bench, const std::string& json = pod_json()) {
    bench.lifecycle.desire(make_spec(json), bench.now());
    bench.settle();
}

std::optional<Instant> until(const Action& action) {
    const auto* wait = std::get_if<Wait>(&action);
    return wait != nullptr ? wait->until : std::nullopt;
}

bool has_event(const std::vector<PodEvent>& events, std::string_view reason) {
    return std::ranges::any_of(events, [&](const PodEvent& event) {
        return event.reason == reason;
    });
}

}  // namespace

TEST_CASE("pod_lifecycle: does nothing before the store has said what is wanted", "[pods]") {
    Bench bench;
    CHECK(std::holds_alternative<Wait>(bench.step()));
    bench.lifecycle.runtime_changed();
    CHECK(std::holds_alternative<Wait>(bench.step()));
}

TEST_CASE("pod_lifecycle: starts a pod from nothing to running in kubelet's order", "[pods]") {
    Bench bench;
    bench.lifecycle.desire(make_spec(pod_json()), bench.now());
    CHECK(std::holds_alternative<Observe>(bench.step()));
    CHECK(std::holds_alternative<PrepareVolumes>(bench.step()));
    CHECK(std::holds_alternative<RunSandbox>(bench.step()));
    CHECK(std::holds_alternative<Observe>(bench.step()));
    CHECK(std::holds_alternative<CheckImage>(bench.step()));
    CHECK(std::holds_alternative<CreateContainer>(bench.step()));
    CHECK(std::holds_alternative<Observe>(bench.step()));
    CHECK(std::holds_alternative<StartContainer>(bench.step()));
    CHECK(std::holds_alternative<Observe>(bench.step()));
    CHECK(std::holds_alternative<SaveMemory>(bench.step()));
    CHECK(std::holds_alternative<Wait>(bench.step()));
    CHECK(bench.running() == 1);
    CHECK(bench.record().attempt == 0);
    const auto events = bench.lifecycle.take_events();
    REQUIRE(events.size() == 3);
    CHECK(events[0].message == "Container image \"img:1\" already present on machine");
    CHECK(events[1].message == "Created container: main");
    CHECK(events[2].message == "Started container main");
}

TEST_CASE("pod_lifecycle: a running pod that is adopted is left alone", "[pods]") {
    Bench bench;
    start(bench);
    const std::string id = bench.containers.at(0).id;
    bench.log.clear();
    bench.restart_process();
    bench.settle();
    CHECK(bench.count<Observe>() == 1);
    CHECK(bench.count<PrepareVolumes>() == 1);
    CHECK(bench.count<RunSandbox>() + bench.count<CreateContainer>() == 0);
    CHECK(bench.count<StopContainers>() + bench.count<SaveMemory>() == 0);
    CHECK(bench.containers.at(0).id == id);
}

TEST_CASE("pod_lifecycle: a running pod is adopted without a stored row as well", "[pods]") {
    Bench bench;
    start(bench);
    bench.exit_container("main", 1);
    bench.settle();
    bench.stored = {};
    bench.restart_process();
    bench.settle();
    CHECK(bench.running() == 1);
    CHECK(bench.record().attempt == 1);
    REQUIRE(bench.record().previous);
    CHECK(bench.record().previous->exit_code == 1);
}

TEST_CASE(
    "pod_lifecycle: a failed container restarts at once, then after 10 s doubling to 300 s",
    "[pods]"
) {
    Bench bench;
    start(bench);
    bench.exit_container("main", 1);
    bench.settle();
    CHECK(bench.running() == 1);
    CHECK(bench.record().attempt == 1);
    std::uint32_t restarts = 1;
    for (const auto delay : {10s, 20s, 40s, 80s, 160s, 300s, 300s}) {
        bench.advance(1s);
        bench.exit_container("main", 1);
        const Action action = bench.settle();
        CHECK(bench.waiting() == "CrashLoopBackOff");
        REQUIRE(until(action));
        CHECK(*until(action) == bench.mono + delay);
        bench.advance(delay - 1ms);
        bench.settle();
        CHECK(bench.running() == 0);
        bench.advance(1ms);
        bench.settle();
        CHECK(bench.running() == 1);
        CHECK(bench.record().attempt == ++restarts);
    }
    CHECK(bench.lifecycle.waiting("main") == nullptr);
}

TEST_CASE("pod_lifecycle: the crash loop names its delay as kubelet does", "[pods]") {
    Bench bench;
    start(bench);
    for (int exits = 0; exits < 2; ++exits) {
        bench.exit_container("main", 1);
        bench.settle();
    }
    CHECK(
        bench.lifecycle.waiting("main")->message ==
        "back-off 10s restarting failed container=main pod=hello_default(uid-1)"
    );
    CHECK(
        bench.lifecycle.take_events().back().message ==
        "Back-off restarting failed container main in pod hello_default(uid-1)"
    );
}

TEST_CASE("pod_lifecycle: ten minutes of running forget the crash loop", "[pods]") {
    Bench bench;
    start(bench);
    for (int exits = 0; exits < 4; ++exits) {
        bench.exit_container("main", 1);
        bench.run_for(5min);
    }
    REQUIRE(bench.running() == 1);
    bench.advance(10min + 1s);
    bench.exit_container("main", 1);
    bench.settle();
    CHECK(bench.running() == 1);  // Immediate again.
    bench.exit_container("main", 1);
    CHECK(until(bench.settle()) == bench.mono + 10s);
}

TEST_CASE(
    "pod_lifecycle: restartPolicy Never ends Succeeded on exit 0 and Failed otherwise", "[pods]"
) {
    for (const int code : {0, 3}) {
        Bench bench;
        start(bench, pod_json(R"(,"restartPolicy":"Never")"));
        bench.exit_container("main", code);
        bench.settle();
        REQUIRE(bench.lifecycle.memory().final_state);
        CHECK(
            bench.lifecycle.memory().final_state->phase ==
            (code == 0 ? FinalPhase::succeeded : FinalPhase::failed)
        );
        CHECK(bench.running() == 0);
        CHECK_FALSE(bench.sandboxes.at(0).ready);  // Stopped,
        CHECK(bench.containers.size() == 1);       // and kept as evidence.
        CHECK(bench.stored.final_state);
    }
}

TEST_CASE(
    "pod_lifecycle: restartPolicy OnFailure restarts failures and ends on success", "[pods]"
) {
    Bench bench;
    start(bench, pod_json(R"(,"restartPolicy":"OnFailure")"));
    bench.exit_container("main", 2);
    bench.settle();
    CHECK(bench.running() == 1);
    bench.exit_container("main", 0);
    bench.settle();
    REQUIRE(bench.lifecycle.memory().final_state);
    CHECK(bench.lifecycle.memory().final_state->phase == FinalPhase::succeeded);
}

TEST_CASE("pod_lifecycle: a final phase is never left, not even with the runtime wiped", "[pods]") {
    Bench bench;
    start(bench, pod_json(R"(,"restartPolicy":"Never")"));
    bench.exit_container("main", 0);
    bench.settle();
    bench.wipe_runtime();
    bench.restart_process();
    bench.run_for(1h);
    CHECK(bench.running() == 0);
    CHECK(bench.sandboxes.empty());
    CHECK(bench.lifecycle.memory().final_state->phase == FinalPhase::succeeded);
    CHECK(bench.record().ended->exit_code == 0);
}

TEST_CASE(
    "pod_lifecycle: a dead sandbox is replaced under the next attempt and cleaned away", "[pods]"
) {
    Bench bench;
    start(bench);
    bench.kill_sandbox();
    bench.settle();
    REQUIRE(bench.sandboxes.size() == 1);
    CHECK(bench.sandboxes[0].attempt == 1);
    CHECK(bench.running() == 1);
    CHECK(bench.record().attempt == 1);
    CHECK(bench.record().previous->reason == "Unknown");
}

TEST_CASE("pod_lifecycle: a pod that must never restart fails when its sandbox dies", "[pods]") {
    Bench bench;
    start(bench, pod_json(R"(,"restartPolicy":"Never")"));
    bench.kill_sandbox();
    bench.settle();
    CHECK(bench.lifecycle.memory().final_state->phase == FinalPhase::failed);
    CHECK(bench.count<RunSandbox>() == 1);
}

TEST_CASE("pod_lifecycle: a wiped runtime is rebuilt and restart counts go on", "[pods]") {
    Bench bench;
    start(bench);
    bench.exit_container("main", 1);
    bench.settle();
    bench.wipe_runtime();
    bench.restart_process();
    bench.settle();
    CHECK(bench.running() == 1);
    CHECK(bench.record().attempt == 2);
    CHECK(bench.record().previous->reason == "ContainerStatusUnknown");
    CHECK(bench.record().previous->exit_code == 137);
}

TEST_CASE("pod_lifecycle: a runtime that cannot be read changes nothing", "[pods]") {
    Bench bench;
    start(bench);
    bench.faults = [](const Action&) { return Bench::Fault::fail; };
    bench.lifecycle.runtime_changed();
    bench.run_for(10min);
    CHECK(bench.running() == 1);
    CHECK(bench.record().state == ContainerRecord::State::running);
    bench.faults = nullptr;
    bench.run_for(1min);
    CHECK(bench.record().attempt == 0);
}

TEST_CASE("pod_lifecycle: only the last dead container of a name is kept", "[pods]") {
    Bench bench;
    start(bench);
    for (int exits = 0; exits < 4; ++exits) {
        bench.exit_container("main", 1);
        bench.run_for(5min);
    }
    CHECK(bench.containers.size() == 2);
    CHECK(bench.running() == 1);
}

TEST_CASE("pod_lifecycle: evidence is removed only after it is remembered", "[pods]") {
    Bench bench;
    start(bench);
    bench.disk_works = false;
    for (int exits = 0; exits < 3; ++exits) {
        bench.exit_container("main", 1);
        bench.run_for(5min);
    }
    CHECK(bench.running() == 1);  // A full disk does not stop the work,
    CHECK(bench.count<RemoveContainer>() == 0);
    bench.disk_works = true;
    bench.run_for(1min);
    CHECK(bench.containers.size() == 2);
    CHECK(bench.stored.containers.at("main").attempt == 3);
}

TEST_CASE(
    "pod_lifecycle: a deleted pod is stopped with its deletion grace, then reported gone", "[pods]"
) {
    Bench bench;
    start(bench);
    bench.log.clear();
    start(bench, pod_json("", R"(,"deletionTimestamp":"2026-01-01T00:00:00Z",
                                   "deletionGracePeriodSeconds":7)"));
    REQUIRE(bench.last<StopContainers>() != nullptr);
    CHECK(bench.last<StopContainers>()->grace == 7s);
    CHECK(bench.sandboxes.empty());
    CHECK(bench.containers.empty());
    CHECK_FALSE(bench.volumes_there);
    CHECK(bench.gone_reports == 1);
    CHECK(bench.stored.containers.at("main").ended->exit_code == 143);
    CHECK(bench.lifecycle.take_events().back().message == "Stopping container main");
    bench.lifecycle.desire(nullptr, bench.now());
    CHECK(std::holds_alternative<Forget>(bench.settle()));
}

TEST_CASE("pod_lifecycle: a removed row stops the pod with the grace of its spec", "[pods]") {
    Bench bench;
    start(bench);
    bench.lifecycle.desire(nullptr, bench.now());
    CHECK(std::holds_alternative<Forget>(bench.settle()));
    CHECK(bench.last<StopContainers>()->grace == 5s);
    CHECK(bench.gone_reports == 0);
    CHECK(bench.sandboxes.empty());
}

TEST_CASE(
    "pod_lifecycle: a pod removed while edgecore was down gets the remembered grace", "[pods]"
) {
    Bench bench;
    start(bench);
    PodLifecycle fresh(PodIdentity{"default", "hello", "uid-1"}, bench.stored);
    bench.lifecycle = fresh;
    bench.lifecycle.desire(nullptr, bench.now());
    CHECK(std::holds_alternative<Forget>(bench.settle()));
    CHECK(bench.last<StopContainers>()->grace == 5s);
}

TEST_CASE("pod_lifecycle: an orphan nobody remembers gets thirty seconds", "[pods]") {
    Bench bench;
    start(bench);
    bench.lifecycle = PodLifecycle(PodIdentity{"default", "hello", "uid-1"}, {});
    bench.lifecycle.desire(nullptr, bench.now());
    CHECK(std::holds_alternative<Forget>(bench.settle()));
    CHECK(bench.last<StopContainers>()->grace == 30s);
}

TEST_CASE("pod_lifecycle: a failed stop is repeated with what is left of the grace", "[pods]") {
    Bench bench;
    start(bench);
    bench.stop_works = false;
    bench.lifecycle.desire(nullptr, bench.now());
    bench.settle();
    CHECK(bench.last<StopContainers>()->grace == 5s);
    bench.advance(2s);
    bench.settle();
    CHECK(bench.last<StopContainers>()->grace == 3s);
    bench.run_for(1min);
    CHECK(bench.last<StopContainers>()->grace == 0s);
    CHECK(bench.count<RemoveSandbox>() == 0);
    bench.stop_works = true;
    bench.advance(30s);
    CHECK(std::holds_alternative<Forget>(bench.settle()));
}

TEST_CASE("pod_lifecycle: a shorter grace cuts a stop short", "[pods]") {
    Bench bench;
    start(bench);
    bench.hold_stops = true;
    const std::string stamp = R"(,"deletionTimestamp":"2026-01-01T00:00:00Z")";
    start(bench, pod_json("", stamp + R"(,"deletionGracePeriodSeconds":300)"));
    CHECK(std::holds_alternative<Wait>(bench.step()));
    bench.lifecycle.desire(
        make_spec(pod_json("", stamp + R"(,"deletionGracePeriodSeconds":1)")), bench.now()
    );
    CHECK(std::holds_alternative<Cancel>(bench.step()));
    CHECK(std::holds_alternative<Wait>(bench.step()));
    bench.lifecycle.finished(fail(ErrorCode::cancelled, "cancelled"), bench.now());
    bench.hold_stops = false;
    bench.settle();
    CHECK(bench.last<StopContainers>()->grace == 1s);
    CHECK(bench.gone_reports == 1);
}

TEST_CASE("pod_lifecycle: a wall clock that jumps changes no decision", "[pods]") {
    Bench bench;
    start(bench);
    bench.exit_container("main", 1);
    bench.settle();
    bench.exit_container("main", 1);
    bench.settle();
    for (const auto jump : {-24h * 3650, 48h * 3650, -24h * 3650}) {
        bench.wall += jump;
        CHECK(until(bench.settle()) == bench.mono + 10s);
        CHECK(bench.running() == 0);
    }
    bench.advance(10s);
    bench.settle();
    CHECK(bench.running() == 1);
}

TEST_CASE(
    "pod_lifecycle: a changed image replaces that container and starts without back-off", "[pods]"
) {
    Bench bench;
    start(bench);
    bench.exit_container("main", 1);
    bench.settle();
    start(bench, pod_json("", "", "img:2"));
    CHECK(bench.running() == 1);
    CHECK(bench.count<StopContainers>() == 1);
    CHECK(bench.record().attempt == 2);
    CHECK(bench.sandboxes.size() == 1);
    CHECK(bench.count<RunSandbox>() == 1);
}

TEST_CASE("pod_lifecycle: other changes of the object restart nothing", "[pods]") {
    Bench bench;
    start(bench);
    start(bench, pod_json(R"(,"tolerations":[{"operator":"Exists"}])", R"(,"labels":{"a":"b"})"));
    CHECK(bench.count<StopContainers>() == 0);
    CHECK(bench.count<CreateContainer>() == 1);
}

TEST_CASE("pod_lifecycle: a failed pull shows ErrImagePull, then ImagePullBackOff", "[pods]") {
    Bench bench;
    bench.images["img:1"] = false;
    start(bench);
    CHECK(bench.waiting() == "ErrImagePull");
    CHECK(bench.lifecycle.waiting("main")->message == "connection refused");
    bench.run_for(6s);
    CHECK(bench.waiting() == "ImagePullBackOff");
    CHECK(bench.count<PullImage>() == 1);
    bench.run_for(15s);
    CHECK(bench.count<PullImage>() == 2);
    bench.registry = true;
    bench.run_for(1min);
    CHECK(bench.running() == 1);
    CHECK(has_event(bench.lifecycle.take_events(), "BackOff"));
}

TEST_CASE(
    "pod_lifecycle: an image that is imported by hand ends the wait for the registry", "[pods]"
) {
    Bench bench;
    bench.images["img:1"] = false;
    start(bench);
    bench.run_for(4min);
    const int pulls = bench.count<PullImage>();
    bench.images["img:1"] = true;
    bench.run_for(31s);
    CHECK(bench.running() == 1);
    CHECK(bench.count<PullImage>() <= pulls + 1);
}

TEST_CASE("pod_lifecycle: pull policy Never never pulls", "[pods]") {
    Bench bench;
    bench.images["img:1"] = false;
    bench.registry = true;
    const std::string json = R"({"metadata":{"name":"hello","namespace":"default"},"spec":
        {"containers":[{"name":"main","image":"img:1","imagePullPolicy":"Never"}]}})";
    start(bench, json);
    bench.run_for(10min);
    CHECK(bench.waiting() == "ErrImageNeverPull");
    CHECK(bench.count<PullImage>() == 0);
}

TEST_CASE(
    "pod_lifecycle: pull policy Always falls back to the local image without a registry", "[pods]"
) {
    Bench bench;
    const std::string json = R"({"metadata":{"name":"hello","namespace":"default"},"spec":
        {"containers":[{"name":"main","image":"img:1","imagePullPolicy":"Always"}]}})";
    start(bench, json);
    CHECK(bench.count<PullImage>() == 1);
    CHECK(bench.running() == 1);
    bench.registry = true;
    bench.advance(11s);
    bench.exit_container("main", 1);
    bench.settle();
    CHECK(bench.count<PullImage>() == 2);
    CHECK(bench.running() == 1);
}

TEST_CASE(
    "pod_lifecycle: missing volumes hold up the start and are tried again on change", "[pods]"
) {
    Bench bench;
    bench.volumes_work = false;
    start(bench);
    CHECK(bench.count<RunSandbox>() == 0);
    CHECK(has_event(bench.lifecycle.take_events(), "FailedMount"));
    bench.volumes_work = true;
    bench.lifecycle.references_changed();
    bench.settle();
    CHECK(bench.running() == 1);
}

TEST_CASE("pod_lifecycle: a changed ConfigMap refreshes the volumes of a running pod", "[pods]") {
    Bench bench;
    start(bench);
    const int before = bench.count<PrepareVolumes>();
    bench.lifecycle.references_changed();
    bench.settle();
    CHECK(bench.count<PrepareVolumes>() == before + 1);
    CHECK(bench.count<StopContainers>() == 0);
}

TEST_CASE("pod_lifecycle: missing configuration waits as CreateContainerConfigError", "[pods]") {
    Bench bench;
    bench.configuration_works = false;
    start(bench);
    CHECK(bench.waiting() == "CreateContainerConfigError");
    bench.configuration_works = true;
    bench.lifecycle.references_changed();
    bench.settle();
    CHECK(bench.running() == 1);
}

TEST_CASE("pod_lifecycle: the active deadline fails the pod and stops it", "[pods]") {
    Bench bench;
    start(bench, pod_json(R"(,"activeDeadlineSeconds":60)"));
    bench.run_for(59s);
    CHECK(bench.running() == 1);
    bench.run_for(2s);
    bench.settle();
    CHECK(bench.running() == 0);
    REQUIRE(bench.lifecycle.memory().final_state);
    CHECK(bench.lifecycle.memory().final_state->reason == "DeadlineExceeded");
    CHECK(bench.last<StopContainers>()->grace == 5s);
}

TEST_CASE("pod_lifecycle: a refused pod fails with its reason and is never started", "[pods]") {
    Bench bench;
    bench.lifecycle.desire(make_spec(pod_json()), bench.now());
    bench.lifecycle.refuse("NodePorts", "Pod was rejected: Predicate NodePorts failed");
    bench.run_for(1h);
    CHECK(bench.count<RunSandbox>() == 0);
    CHECK(bench.stored.final_state->reason == "NodePorts");
}

TEST_CASE("pod_lifecycle: a refusal does not touch a pod that has run", "[pods]") {
    Bench bench;
    start(bench);
    bench.lifecycle.refuse("NodePorts", "no");
    bench.settle();
    CHECK(bench.running() == 1);
}

TEST_CASE("pod_lifecycle: init containers run in order, once in each sandbox", "[pods]") {
    Bench bench;
    const std::string json = R"({"metadata":{"name":"hello","namespace":"default"},"spec":
        {"initContainers":[{"name":"one","image":"init:1"},{"name":"two","image":"init:1"}],
         "containers":[{"name":"main","image":"img:1"}]}})";
    start(bench, json);
    CHECK(bench.running("one") == 1);
    CHECK(bench.running("two") == 0);
    CHECK_FALSE(bench.lifecycle.initialized());
    bench.exit_container("one", 1);
    bench.settle();
    CHECK(bench.running("one") == 1);  // Restarted until it succeeds.
    bench.exit_container("one", 0);
    bench.settle();
    CHECK(bench.running("two") == 1);
    CHECK(bench.running("main") == 0);
    bench.exit_container("two", 0);
    bench.settle();
    CHECK(bench.running("main") == 1);
    CHECK(bench.lifecycle.initialized());
    bench.exit_container("main", 1);
    bench.settle();
    CHECK(bench.running("one") == 0);  // Not again in this sandbox,
    CHECK(bench.running("main") == 1);
    bench.kill_sandbox();
    bench.run_for(1min);
    CHECK(bench.running("one") == 1);  // but in the next one.
}

TEST_CASE("pod_lifecycle: a failing init container fails a pod that must not restart", "[pods]") {
    Bench bench;
    const std::string json = R"({"metadata":{"name":"hello","namespace":"default"},"spec":
        {"restartPolicy":"Never","initContainers":[{"name":"one","image":"init:1"}],
         "containers":[{"name":"main","image":"img:1"}]}})";
    start(bench, json);
    bench.exit_container("one", 1);
    bench.settle();
    CHECK(bench.lifecycle.memory().final_state->phase == FinalPhase::failed);
    CHECK(bench.running("main") == 0);
}

TEST_CASE(
    "pod_lifecycle: a container in an unknown state is stopped before anything starts", "[pods]"
) {
    Bench bench;
    start(bench);
    bench.containers.at(0).state = ContainerState::unknown;
    bench.stop_works = false;
    bench.lifecycle.runtime_changed();
    bench.run_for(1min);
    CHECK(bench.count<CreateContainer>() == 1);
    bench.stop_works = true;
    bench.run_for(1min);
    CHECK(bench.running() == 1);
    CHECK(bench.record().attempt == 1);
}

TEST_CASE(
    "pod_lifecycle: a row that comes back while the pod is stopping starts it again", "[pods]"
) {
    Bench bench;
    start(bench);
    bench.lifecycle.desire(nullptr, bench.now());
    bench.step();  // The containers are stopped;
    start(bench);  // then the pod is wanted after all.
    CHECK(bench.running() == 1);
    CHECK(bench.volumes_there);
}

}  // namespace farhold::pods::test
