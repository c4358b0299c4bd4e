// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

using namespace std::chrono_literals;

const std::string kOne = kConfigMaps + "/a";
const std::string kPod = kPods + "/a";

std::int64_t grace(const Answer& answer) {
    return answer.body.integer_at({"metadata", "deletionGracePeriodSeconds"}, -1);
}

bool ends_in(const TestApi& api, const Answer& answer, std::chrono::seconds wanted) {
    const auto left = api.until(answer.text_at({"metadata", "deletionTimestamp"}));
    return left <= wanted + 1s && left >= wanted - 3s;
}

}  // namespace

TEST_CASE("delete: answers success with the uid, and 404 the second time", "[api]") {
    TestApi api;
    const Answer made = api.post(kConfigMaps, config_map("a"));
    const Answer gone = api.remove(kOne, R"({"propagationPolicy":"Background"})");
    CHECK(gone.code == 200);
    CHECK(gone.text_at({"kind"}) == "Status");
    CHECK(gone.text_at({"status"}) == "Success");
    CHECK(gone.text_at({"details", "kind"}) == "configmaps");
    CHECK(gone.text_at({"details", "uid"}) == made.text_at({"metadata", "uid"}));
    const Answer again = api.remove(kOne);
    CHECK(again.code == 404);
    CHECK(again.message() == "configmaps \"a\" not found");
}

TEST_CASE("delete: preconditions name the kind", "[api]") {
    TestApi api;
    const std::string uid = api.post(kConfigMaps, config_map("a")).text_at({"metadata", "uid"});
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

TEST_CASE("delete: finalizers keep an object until the last one is removed", "[api]") {
    TestApi api;
    api.post(
        kConfigMaps, R"({"metadata":{"name":"a","finalizers":["example.com/x","example.com/y"]}})"
    );
    const Answer waiting = api.remove(kOne);
    CHECK(waiting.code == 200);
    CHECK(ends_in(api, waiting, 0s));
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

TEST_CASE("delete: a running pod is given its grace, which may only be shortened", "[api]") {
    TestApi api;
    api.post(kPods, pod("a", R"(,"nodeName":"n","terminationGracePeriodSeconds":20)"));
    const Answer first = api.remove(kPod);
    CHECK(first.code == 200);
    CHECK(grace(first) == 20);
    CHECK(ends_in(api, first, 20s));
    CHECK(first.body.integer_at({"metadata", "generation"}) == 2);

    CHECK(api.remove(kPod).revision() == first.revision());
    CHECK(api.remove(kPod, R"({"gracePeriodSeconds":60})").revision() == first.revision());

    const Answer shorter = api.remove(kPod, R"({"gracePeriodSeconds":5})");
    CHECK(grace(shorter) == 5);
    CHECK(ends_in(api, shorter, 5s));
    CHECK(shorter.body.integer_at({"metadata", "generation"}) == 2);

    const Answer forced = api.remove(kPod, R"({"gracePeriodSeconds":0})");
    CHECK(forced.text_at({"kind"}) == "Pod");
    CHECK(api.get(kPod).code == 404);
}

TEST_CASE("delete: a pod that runs nowhere goes at once and is answered", "[api]") {
    TestApi api;
    api.post(kPods, pod("a"));
    const Answer gone = api.remove(kPod, R"({"gracePeriodSeconds":60})");
    CHECK(gone.text_at({"kind"}) == "Pod");
    CHECK(api.get(kPod).code == 404);
}

TEST_CASE("delete: a namespace waits for its content and its finalizer", "[api]") {
    TestApi api;
    api.post("/api/v1/namespaces", R"({"metadata":{"name":"n"}})");
    const Answer waiting = api.remove("/api/v1/namespaces/n");
    CHECK(waiting.text_at({"status", "phase"}) == "Terminating");
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

TEST_CASE("delete: a collection is deleted by selector and answered as a list", "[api]") {
    TestApi api;
    api.post(kConfigMaps, R"({"metadata":{"name":"a","labels":{"x":"1"}}})");
    api.post(kConfigMaps, R"({"metadata":{"name":"b","labels":{"x":"2"}}})");
    const Answer gone = api.remove(kConfigMaps + "?labelSelector=x=1");
    CHECK(gone.code == 200);
    CHECK(gone.text_at({"kind"}) == "ConfigMapList");
    CHECK(gone.body.find("items")->size() == 1);
    CHECK(api.get(kOne).code == 404);
    CHECK(api.get(kConfigMaps + "/b").code == 200);
}

TEST_CASE("delete: options are checked, and a dry run deletes nothing", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
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

TEST_CASE("delete: options of another type or kind are refused", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
    for (const char* body :
         {R"({"gracePeriodSeconds":"x"})", R"({"gracePeriodSeconds":1.5})",
          R"({"propagationPolicy":1})", R"({"preconditions":"x"})", R"({"dryRun":"All"})",
          R"({"orphanDependents":"x"})", R"([])", R"("x")", "{", R"({"dryRun":["x"]})",
          R"({"kind":"Pod","apiVersion":"v1"})",
          R"({"propagationPolicy":"Orphan","orphanDependents":true})"}) {
        INFO(body);
        const Answer answer = api.remove(kOne, body);
        CHECK(answer.code >= 400);
        CHECK(answer.code <= 422);
        api.post(kConfigMaps, config_map("a"));
    }
    for (const char* body :
         {R"({"kind":"DeleteOptions","apiVersion":"v1"})", R"({"kind":"DeleteOptions"})",
          R"({"kind":"DeleteOptions","apiVersion":"meta.k8s.io/v1","foo":1})", "{}",
          R"({"gracePeriodSeconds":null,"preconditions":null,"propagationPolicy":null})",
          R"({"gracePeriodSeconds":-5})"}) {
        INFO(body);
        CHECK(api.remove(kOne, body).code == 200);
        api.post(kConfigMaps, config_map("a"));
    }
    for (const char* query : {"gracePeriodSeconds=x", "propagationPolicy=Foo", "dryRun=x"}) {
        INFO(query);
        const Answer answer = api.remove(kOne + "?" + query);
        CHECK(answer.code >= 400);
        CHECK(answer.code <= 422);
        api.post(kConfigMaps, config_map("a"));
    }
}

TEST_CASE("delete: a collection by field, by trial, and with what waits", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
    api.post(kConfigMaps, R"({"metadata":{"name":"b","finalizers":["example.com/x"]}})");
    CHECK(names(api.remove(kConfigMaps, R"({"dryRun":["All"]})")) == "a b ");
    CHECK(names(api.get(kConfigMaps)) == "a b ");
    CHECK(names(api.remove(kConfigMaps + "?fieldSelector=metadata.name=a")) == "a ");
    CHECK(names(api.remove(kConfigMaps)) == "b ");
    CHECK(names(api.get(kConfigMaps)) == "b ");
    CHECK(names(api.remove(kConfigMaps + "?labelSelector=none=such")).empty());
    CHECK(api.remove(kConfigMaps + "?fieldSelector=foo=1").code == 400);
    api.post(kPods, pod("a"));
    api.post(kPods, pod("b", R"(,"nodeName":"n")"));
    CHECK(names(api.remove(kPods)) == "a b ");
    CHECK(names(api.get(kPods)) == "b ");
}

TEST_CASE("delete: the event tells the last state", "[api]") {
    TestApi api;
    api.post(kPods, pod("a", R"(,"nodeName":"n")"));
    const auto watch =
        api.watch(kPods + "?watch=true&resourceVersion=" + api.get(kPods).revision());
    api.remove(kPod);
    api.remove(kPod, R"({"gracePeriodSeconds":0})");
    api.post(kPods, pod("b"));
    api.remove(kPods + "/b");
    api.post(kConfigMaps, R"({"metadata":{"name":"a","finalizers":["example.com/x"]}})");
    const auto maps =
        api.watch(kConfigMaps + "?watch=true&resourceVersion=" + api.get(kConfigMaps).revision());
    api.remove(kOne);
    api.patch(kOne, "merge-patch", R"({"metadata":{"finalizers":null}})");
    CHECK(
        next_events(*watch, 6) ==
        std::vector<std::string>{
            "MODIFIED a", "MODIFIED a", "DELETED a", "ADDED b", "MODIFIED b", "DELETED b"
        }
    );
    CHECK(next_events(*maps, 2) == std::vector<std::string>{"MODIFIED a", "DELETED a"});
}

}  // namespace farhold::api_behaviour
