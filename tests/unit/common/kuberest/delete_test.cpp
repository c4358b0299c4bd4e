// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::kuberest {
namespace {

const std::string kOne = std::string(kConfigMapsPath) + "/a";
const std::string kPod = std::string(kPodsPath) + "/a";

std::int64_t grace(const Answer& answer) {
    return answer.body.integer_at({"metadata", "deletionGracePeriodSeconds"}, -1);
}

}  // namespace

TEST_CASE("delete: answers success with the uid, and 404 the second time", "[kuberest]") {
    TestApi api;
    const Answer made = api.post(kConfigMapsPath, config_map("a"));
    const Answer gone = api.remove(kOne, R"({"propagationPolicy":"Background"})");
    CHECK(gone.code == 200);
    CHECK(gone.text({"kind"}) == "Status");
    CHECK(gone.text({"status"}) == "Success");
    CHECK(gone.text({"details", "kind"}) == "configmaps");
    CHECK(gone.text({"details", "uid"}) == made.text({"metadata", "uid"}));
    const Answer again = api.remove(kOne);
    CHECK(again.code == 404);
    CHECK(again.message() == "configmaps \"a\" not found");
}

TEST_CASE("delete: preconditions name the kind", "[kuberest]") {
    TestApi api;
    const std::string uid = api.post(kConfigMapsPath, config_map("a")).text({"metadata", "uid"});
    const Answer other = api.remove(kOne, R"({"preconditions":{"uid":"x"}})");
    CHECK(other.code == 409);
    CHECK(
        other.message() ==
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the "
        "precondition (x) does not match the UID in record (" +
            uid + "). The object might have been deleted and then recreated"
    );
    CHECK(api.remove(kOne, R"({"preconditions":{"resourceVersion":"1"}})").code == 409);
    CHECK(api.remove(kOne, R"({"preconditions":{"uid":")" + uid + R"("}})").code == 200);
}

TEST_CASE("delete: finalizers keep an object until the last one is removed", "[kuberest]") {
    TestApi api;
    api.post(
        kConfigMapsPath,
        R"({"metadata":{"name":"a","finalizers":["example.com/x","example.com/y"]}})"
    );
    const Answer waiting = api.remove(kOne);
    CHECK(waiting.code == 200);
    CHECK(waiting.text({"metadata", "deletionTimestamp"}) == "2026-05-04T03:02:01Z");
    CHECK(grace(waiting) == 0);
    CHECK(api.remove(kOne).revision() == waiting.revision());

    const Answer more =
        api.patch(kOne, "merge-patch", R"({"metadata":{"finalizers":["example.com/z"]}})");
    CHECK(more.code == 422);
    CHECK(more.message().contains("no new finalizers can be added if the object is being deleted"));

    const Answer one =
        api.patch(kOne, "merge-patch", R"({"metadata":{"finalizers":["example.com/y"]}})");
    CHECK(one.code == 200);
    const Answer last = api.patch(kOne, "merge-patch", R"({"metadata":{"finalizers":null}})");
    CHECK(last.code == 200);
    CHECK(last.revision() == one.revision());
    CHECK(api.get(kOne).code == 404);
}

TEST_CASE("delete: a running pod is given its grace, which may only be shortened", "[kuberest]") {
    TestApi api;
    api.post(kPodsPath, pod("a", R"(,"nodeName":"n","terminationGracePeriodSeconds":20)"));
    const Answer first = api.remove(kPod);
    CHECK(first.code == 200);
    CHECK(grace(first) == 20);
    CHECK(first.text({"metadata", "deletionTimestamp"}) == "2026-05-04T03:02:21Z");
    CHECK(first.body.integer_at({"metadata", "generation"}) == 2);

    CHECK(api.remove(kPod).revision() == first.revision());
    CHECK(api.remove(kPod, R"({"gracePeriodSeconds":60})").revision() == first.revision());

    api.now += std::chrono::seconds(3);
    const Answer shorter = api.remove(kPod, R"({"gracePeriodSeconds":5})");
    CHECK(grace(shorter) == 5);
    CHECK(shorter.text({"metadata", "deletionTimestamp"}) == "2026-05-04T03:02:06Z");
    api.now += std::chrono::seconds(30);
    CHECK(
        api.remove(kPod, R"({"gracePeriodSeconds":1})").text({"metadata", "deletionTimestamp"}) ==
        "2026-05-04T03:02:34Z"
    );

    const Answer forced = api.remove(kPod, R"({"gracePeriodSeconds":0})");
    CHECK(forced.text({"kind"}) == "Pod");
    CHECK(api.get(kPod).code == 404);
}

TEST_CASE("delete: a pod that runs nowhere goes at once and is answered", "[kuberest]") {
    TestApi api;
    api.post(kPodsPath, pod("a"));
    const Answer gone = api.remove(kPod, R"({"gracePeriodSeconds":60})");
    CHECK(gone.text({"kind"}) == "Pod");
    CHECK(api.get(kPod).code == 404);
}

TEST_CASE("delete: a namespace waits for its content and its finalizer", "[kuberest]") {
    TestApi api;
    api.post("/api/v1/namespaces", R"({"metadata":{"name":"n"}})");
    const Answer waiting = api.remove("/api/v1/namespaces/n");
    CHECK(waiting.text({"status", "phase"}) == "Terminating");
    CHECK(grace(waiting) == -1);

    json::Value released = waiting.body;
    released["spec"].erase("finalizers");
    // Only the subresource may take it away.
    CHECK(api.put("/api/v1/namespaces/n", released).code == 200);
    CHECK(api.get("/api/v1/namespaces/n").code == 200);
    CHECK(api.put("/api/v1/namespaces/n/finalize", released).code == 200);
    CHECK(api.get("/api/v1/namespaces/n").code == 404);

    const Answer refused = api.remove("/api/v1/namespaces/default");
    CHECK(refused.code == 403);
    CHECK(
        refused.message() ==
        "namespaces \"default\" is forbidden: this namespace may not be deleted"
    );
}

TEST_CASE("delete: a collection is deleted by selector and answered as a list", "[kuberest]") {
    TestApi api;
    api.post(kConfigMapsPath, R"({"metadata":{"name":"a","labels":{"x":"1"}}})");
    api.post(kConfigMapsPath, R"({"metadata":{"name":"b","labels":{"x":"2"}}})");
    const Answer gone = api.remove(std::string(kConfigMapsPath) + "?labelSelector=x=1");
    CHECK(gone.code == 200);
    CHECK(gone.text({"kind"}) == "ConfigMapList");
    CHECK(gone.body.find("items")->size() == 1);
    CHECK(api.get(kOne).code == 404);
    CHECK(api.get(std::string(kConfigMapsPath) + "/b").code == 200);
}

TEST_CASE("delete: options are checked, and a dry run deletes nothing", "[kuberest]") {
    TestApi api;
    api.post(kConfigMapsPath, config_map("a"));
    const Answer wrong = api.remove(kOne, R"({"propagationPolicy":"Foo"})");
    CHECK(wrong.code == 422);
    CHECK(
        wrong.message() ==
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Foo\": "
        "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
    );
    CHECK(api.remove(kOne, R"({"dryRun":["All"]})").code == 200);
    CHECK(api.remove(kOne + "?dryRun=All").code == 200);
    CHECK(api.get(kOne).code == 200);
}

}  // namespace farhold::kuberest
