// SPDX-License-Identifier: Apache-2.0
//
// The three forms of a patch, as kubectl, controllers and kubelets write them.
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

const std::string kOne = kConfigMaps + "/a";
const std::string kPod = kPods + "/a";

std::string image(const Answer& pod, std::size_t container) {
    return std::string(pod.body.elements_at({"spec", "containers"}).at(container).text_at({"image"})
    );
}

std::string two_containers() {
    return R"({"metadata":{"name":"a","labels":{"x":"1"},"finalizers":["a.b/c","a.b/d"]},)"
           R"("spec":{"containers":[{"name":"c","image":"i:1","env":[{"name":"A","value":"1"},)"
           R"({"name":"B","value":"2"}]},{"name":"d","image":"j:1"}],)"
           R"("tolerations":[{"key":"k","operator":"Exists"}]}})";
}

}  // namespace

TEST_CASE("patch: strategic merge finds the elements of lists by their key", "[api]") {
    TestApi api;
    api.post(kPods, two_containers());
    const std::string form = "strategic-merge-patch";
    const Answer second = api.patch(
        kPod, form,
        R"({"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"d"}],)"
        R"("containers":[{"name":"d","image":"j:2"}]}})"
    );
    CHECK(second.code == 200);
    CHECK(image(second, 0) == "i:1");
    CHECK(image(second, 1) == "j:2");

    // kubectl set image, kubectl annotate, kubectl label.
    CHECK(api.patch(kPod, form, R"({"metadata":{"annotations":{"k":"v"}}})").code == 200);
    CHECK(api.patch(kPod, form, R"({"metadata":{"labels":{"x":null,"y":"2"}}})").code == 200);
    const Answer freed =
        api.patch(kPod, form, R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a.b/c"]}})");
    CHECK(freed.body.elements_at({"metadata", "finalizers"}).size() == 1);
    CHECK(
        api.patch(kPod, form, R"({"metadata":{"finalizers":["a.b/e"]}})")
            .body.elements_at({"metadata", "finalizers"})
            .size() == 2
    );
    // A list without a key is replaced, and a pod keeps its tolerations.
    CHECK(
        api.patch(kPod, form, R"({"spec":{"tolerations":[{"key":"l","operator":"Exists"}]}})")
            .code == 422
    );
    CHECK(
        api.patch(kPod, form, R"({"spec":{"containers":[{"name":"e","image":"k:1"}]}})").code == 422
    );
    CHECK(
        api.patch(kPod, form, R"({"spec":{"containers":[{"name":"d","$patch":"delete"}]}})").code ==
        422
    );
    CHECK(
        api.patch(kPod, form, R"({"metadata":{"labels":{"$patch":"replace","z":"3"}}})")
            .body.at_path({"metadata", "labels"})
            ->size() == 1
    );
}

TEST_CASE("patch: a strategic merge that cannot be is told as Kubernetes does", "[api]") {
    TestApi api;
    api.post(kPods, pod("a"));
    api.post(kConfigMaps, config_map("a"));
    struct Case {
        std::string patch;
        int code;
        std::string message;
    };
    const Case cases[] = {
        {R"({"spec":{"containers":[{"image":"x"}]}})", 500,
         "map: map[image:x] does not contain declared merge key: name"},
        {R"({"spec":{"$patch":"foo"}})", 500, "unknown patch type: foo in map: map[$patch:foo]"},
        {R"({"spec":{"containers":"x"}})", 422, ""},
        {R"({"spec":"x"})", 422, ""},
        {R"({"metadata":{"labels":["x"]}})", 422, ""},
        {R"({"metadata":{"labels":{"x":1}}})", 422, ""},
        {R"([])", 400, ""},
        {R"("x")", 400, ""},
        {R"({)", 400, ""},
        {R"(null)", 200, ""},
    };
    for (const Case& tried : cases) {
        INFO(tried.patch);
        const Answer answer = api.patch(kPod, "strategic-merge-patch", tried.patch);
        CHECK(answer.code == tried.code);
        if (!tried.message.empty()) {
            CHECK(answer.message() == tried.message);
        }
    }
}

TEST_CASE("patch: a JSON patch is done whole or not at all", "[api]") {
    TestApi api;
    const Answer made = api.post(kConfigMaps, config_map("a", R"(,"data":{"k":"v","l":"w"})"));
    const std::string refused = "the server rejected our request due to an error in our request";
    struct Case {
        std::string patch;
        int code;
        std::string message;
    };
    const Case cases[] = {
        {R"([{"op":"test","path":"/data/k","value":"x"},{"op":"remove","path":"/data/k"}])", 422,
         refused},
        {R"([{"op":"remove","path":"/data/k"},{"op":"remove","path":"/data/none"}])", 422, refused},
        {R"([{"op":"add","path":"/none/deep","value":"x"}])", 422, refused},
        {R"([{"op":"foo","path":"/data/k"}])", 422, refused},
        {R"([{"op":"add","path":"/metadata/finalizers/0","value":"a.b/c"}])", 422, refused},
        {R"([{"op":"copy","from":"/none/none","path":"/data/x"}])", 422, refused},
        {R"([{"op":"move","from":"/data/none","path":"/data/x"}])", 422, refused},
        {R"([{"path":"/data/k"}])", 422, refused},
        {R"([{"op":"add"}])", 422, refused},
        {R"({"data":{"k":"x"}})", 400, ""},
        {R"("x")", 400, ""},
        {R"([1])", 400, ""},
        {R"([)", 400, ""},
        {R"([])", 200, ""},
        {R"([{"op":"test","path":"/data/k","value":"v"}])", 200, ""},
        {R"([{"op":"add","path":"/data/k","value":1}])", 422, ""},
    };
    for (const Case& tried : cases) {
        INFO(tried.patch);
        const Answer answer = api.patch(kOne, "json-patch", tried.patch);
        CHECK(answer.code == tried.code);
        if (!tried.message.empty()) {
            CHECK(answer.message() == tried.message);
        }
    }
    CHECK(api.get(kOne).body == made.body);
    const Answer changed = api.patch(
        kOne, "json-patch",
        R"([{"op":"replace","path":"/data/new","value":"n"},{"op":"add","path":"/data/null"},)"
        R"({"op":"copy","from":"/data/none","path":"/data/nothing"},{"op":"move","from":"/data/k",)"
        R"("path":"/data/m"},{"op":"copy","from":"/data/l","path":"/data/c"},)"
        R"({"op":"add","path":"/metadata/labels","value":{}},)"
        R"({"op":"add","path":"/metadata/labels/example.com~1a","value":"b"},)"
        R"({"op":"add","path":"/metadata/finalizers","value":["a.b/c"]},)"
        R"({"op":"add","path":"/metadata/finalizers/-","value":"a.b/d"}])"
    );
    CHECK(changed.code == 200);
    CHECK(changed.text_at({"data", "m"}) == "v");
    CHECK(changed.text_at({"metadata", "labels", "example.com/a"}) == "b");
}

TEST_CASE("patch: a merge patch that cannot be", "[api]") {
    TestApi api;
    const Answer made = api.post(kConfigMaps, config_map("a", R"(,"data":{"k":"v"})"));
    struct Case {
        std::string patch;
        int code;
    };
    const Case cases[] = {
        {R"({"data":{"k":1}})", 422},
        {R"({"data":"x"})", 422},
        {R"({"metadata":"x"})", 422},
        {R"({"metadata":null})", 400},
        {R"([])", 400},
        {R"("x")", 400},
        {R"({)", 400},
        {R"({"data":{"/":"x"}})", 422},
        {R"(null)", 400},
    };
    for (const Case& tried : cases) {
        INFO(tried.patch);
        CHECK(api.patch(kOne, "merge-patch", tried.patch).code == tried.code);
    }
    CHECK(api.get(kOne).body == made.body);
}

TEST_CASE("patch: a revision in it is a condition", "[api]") {
    TestApi api;
    const Answer made = api.post(kPods, pod("a"));
    const auto at = [](const std::string& revision, std::string_view more) {
        return R"({"metadata":{"resourceVersion":")" + revision + R"(","labels":{)" +
               std::string(more) + "}}}";
    };
    const Answer first = api.patch(kPod, "merge-patch", at(made.revision(), R"("a":"1")"));
    CHECK(first.code == 200);
    const Answer stale = api.patch(kPod, "merge-patch", at(made.revision(), R"("a":"2")"));
    CHECK(stale.code == 409);
    CHECK(
        stale.message() ==
        "Operation cannot be fulfilled on pods \"a\": the object has been modified; please apply "
        "your changes to the latest version and try again"
    );
    const Answer status = api.patch(
        kPod + "/status", "strategic-merge-patch",
        R"({"metadata":{"resourceVersion":")" + made.revision() +
            R"("},"status":{"phase":"Running"}})"
    );
    CHECK(status.code == 409);
    CHECK(api.patch(kPod, "merge-patch", at("abc", "")).code == 500);
    json::Value old = made.body;
    old.ensure_path({"metadata", "labels", "a"}) = json::Value::of("3");
    CHECK(api.put(kPod, old).code == 409);
    CHECK(api.put(kPod + "/status", old).code == 409);
}

TEST_CASE("patch: forms that are none", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
    for (const char* type : {"application/json", "text/plain", "application/foo"}) {
        INFO(type);
        Question question = api.question("PATCH", kOne, "{}");
        question.content_type = type;
        CHECK(api.ask(question).code == 415);
    }
    for (const char* type : {"text/plain", "application/merge-patch+json", "application/xml"}) {
        INFO(type);
        Question question = api.question("PUT", kOne, config_map("a"));
        question.content_type = type;
        CHECK(api.ask(question).code == 415);
    }
}

}  // namespace farhold::api_behaviour
