// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/pod_binding.hpp"
#include "common/object/metadata.hpp"
#include "schema_fixture.hpp"

using namespace farhold;
using namespace farhold::kubeschema;
using json::Value;

namespace {

Value stored_pod(std::string_view restart_policy = "Always") {
    return created(
        "Pod", R"({"metadata":{"name":"p"},"spec":{"restartPolicy":")" +
                   std::string(restart_policy) + R"(","containers":[{"name":"c","image":"i:1"}]}})"
    );
}

Value& first_container(Value& pod) {
    return pod.at_path({"spec", "containers"})->array()[0];
}

template <class Change>
Texts changes(Change change, Part part = Part::main) {
    return update_errors("Pod", stored_pod(), part, change);
}

}  // namespace

TEST_CASE("pod update: images and deadlines may change, the rest may not", "[kubeschema]") {
    CHECK(changes([](Value& pod) { first_container(pod).set("image", Value::of("i:2")); }).empty());
    CHECK(changes([](Value& pod) { pod["spec"].set("activeDeadlineSeconds", Value::of(5)); }
    ).empty());
    const auto refused =
        changes([](Value& pod) { first_container(pod)["args"].push_back(Value::of("x")); });
    REQUIRE(refused.size() == 1);
    CHECK(
        refused[0] ==
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
        "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
        "set to 1 if it was previously negative)"
    );
    CHECK(changes([](Value& pod) { pod["spec"].set("nodeName", Value::of("n")); }).size() == 1);
    CHECK(changes([](Value& pod) {
              pod["spec"]["containers"].push_back(parse_json(R"({"name":"d","image":"i"})"));
          }) == Texts{"spec.containers: Forbidden: pod updates may not add or remove containers"});
}

TEST_CASE("pod update: tolerations may be added and lose their seconds", "[kubeschema]") {
    CHECK(changes([](Value& pod) {
              pod["spec"]["tolerations"].array()[0].erase("tolerationSeconds");
              pod["spec"]["tolerations"].push_back(parse_json(R"({"operator":"Exists"})"));
          }).empty());
    const Value pod = created(
        "Pod", R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}],)"
               R"("tolerations":[{"key":"a","operator":"Exists"}]}})"
    );
    CHECK(
        update_errors(
            "Pod", pod, Part::main,
            [](Value& updated) {
                updated["spec"]["tolerations"].array()[0].set("key", Value::of("b"));
            }
        ) == Texts{"spec.tolerations: Forbidden: existing toleration can not be modified except "
                   "its tolerationSeconds"}
    );
    // The default ones come back by themselves, so removing them is no error.
    CHECK(changes([](Value& updated) { updated["spec"].erase("tolerations"); }).empty());
}

TEST_CASE("pod update: the generation counts changes of the spec only", "[kubeschema]") {
    const Value pod = stored_pod();
    Value updated = pod;
    object::set_label(updated, "a", "b");
    prepare_update(type_of("Pod"), updated, pod, Part::main);
    CHECK(object::generation(updated) == 1);
    first_container(updated).set("image", Value::of("i:2"));
    prepare_update(type_of("Pod"), updated, pod, Part::main);
    CHECK(object::generation(updated) == 2);
}

TEST_CASE("pod status: it changes status, labels and finalizers, never the spec", "[kubeschema]") {
    const Value pod = stored_pod();
    Value updated = pod;
    updated["spec"].set("nodeName", Value::of("n"));
    updated["status"].set("podIP", Value::of("10.0.0.1"));
    updated["status"].erase("qosClass");
    object::set_annotation(updated, "farhold.io/report", "1.2");
    prepare_update(type_of("Pod"), updated, pod, Part::status);
    CHECK(*updated.find("spec") == *pod.find("spec"));
    CHECK(updated.at_path({"status", "podIPs"})->dump() == R"([{"ip":"10.0.0.1"}])");
    CHECK(updated.text_at({"status", "qosClass"}) == "BestEffort");
    CHECK(object::annotation(updated, "farhold.io/report") == "1.2");
    CHECK(object::generation(updated) == 1);

    Value main = updated;
    main["status"].set("phase", Value::of("Running"));
    prepare_update(type_of("Pod"), main, pod, Part::main);
    CHECK(*main.find("status") == *pod.find("status"));
}

TEST_CASE("pod status: a container that ended for good stays ended", "[kubeschema]") {
    const auto resurrect = [](std::string_view policy, int exit_code) {
        Value pod = stored_pod(policy);
        pod["status"].set(
            "containerStatuses", parse_json(
                                     R"([{"name":"c","state":{"terminated":{"exitCode":)" +
                                     std::to_string(exit_code) + "}}}]"
                                 )
        );
        return update_errors("Pod", pod, Part::status, [](Value& updated) {
            updated["status"]["containerStatuses"].array()[0].set(
                "state", parse_json(R"({"running":{}})")
            );
        });
    };
    const Texts refused = {
        "status.containerStatuses[0].state: Forbidden: may not be transitioned "
        "to non-terminated state"
    };
    CHECK(resurrect("Never", 1) == refused);
    CHECK(resurrect("OnFailure", 0) == refused);
    CHECK(resurrect("OnFailure", 1).empty());
    CHECK(resurrect("Always", 0).empty());
}

TEST_CASE("pod status: addresses are addresses, one of each family", "[kubeschema]") {
    const auto with = [](std::string_view ips) {
        return changes(
            [&](Value& pod) { pod["status"].set("podIPs", parse_json(ips)); }, Part::status
        );
    };
    CHECK(with(R"([{"ip":"10.0.0.1"},{"ip":"fd00::1"}])").empty());
    CHECK(
        with(R"([{"ip":"x"}])") ==
        Texts{"status.podIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. "
              "10.9.8.7 or 2001:db8::ffff)"}
    );
    CHECK(with(R"([{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}])").size() == 1);
}

TEST_CASE("pod binding: a pod is bound once, and only while it lives", "[kubeschema]") {
    const WallTime now;
    Value pod = stored_pod();
    const Value binding = parse_json(
        R"({"metadata":{"name":"p","annotations":{"a":"b"}},"target":{"kind":"Node","name":"n1"}})"
    );
    REQUIRE(bind_pod(pod, binding, now));
    CHECK(pod.text_at({"spec", "nodeName"}) == "n1");
    CHECK(object::annotation(pod, "a") == "b");
    CHECK(object::condition_is_true(pod, "PodScheduled"));
    CHECK(
        bind_pod(pod, binding, now).error().message() == "pod p is already assigned to node \"n1\""
    );
    Value dying = stored_pod();
    dying["metadata"].set("deletionTimestamp", Value::of("2026-01-01T00:00:00Z"));
    CHECK(bind_pod(dying, binding, now).error().code() == ErrorCode::conflict);
    Value other = stored_pod();
    CHECK(
        bind_pod(other, parse_json(R"({"metadata":{"uid":"x"},"target":{"name":"n"}})"), now)
            .error()
            .code() == ErrorCode::conflict
    );
    CHECK(
        bind_pod(other, parse_json(R"({"target":{"kind":"Pod","name":"n"}})"), now)
            .error()
            .code() == ErrorCode::invalid_argument
    );
}

TEST_CASE("pod deletion: grace is the pod's own, or none when nothing runs", "[kubeschema]") {
    Value pod = stored_pod();
    const auto& grace = type_of("Pod").default_grace;
    CHECK(grace(pod) == 0);
    pod["spec"].set("nodeName", Value::of("n"));
    CHECK(grace(pod) == 30);
    pod["status"].set("phase", Value::of("Failed"));
    CHECK(grace(pod) == 0);
}
