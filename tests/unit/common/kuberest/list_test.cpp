// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::kuberest {
namespace {

std::string names(const Answer& answer) {
    std::string text;
    for (const json::Value& item : answer.body.find("items")->array()) {
        text += std::string(item.text_at({"metadata", "name"})) + " ";
    }
    return text;
}

std::string listed(TestApi& api, std::string_view query) {
    return names(api.get(std::string(kConfigMapsPath) + "?" + std::string(query)));
}

}  // namespace

TEST_CASE("list: in the order of names, with the revision of the snapshot", "[kuberest]") {
    TestApi api;
    CHECK(api.get(kConfigMapsPath).body.find("items")->is_array());
    api.post(kConfigMapsPath, config_map("b"));
    api.post(kConfigMapsPath, config_map("a"));
    const Answer list = api.get(kConfigMapsPath);
    CHECK(list.text({"kind"}) == "ConfigMapList");
    CHECK(list.text({"apiVersion"}) == "v1");
    CHECK(list.revision() == std::to_string(api.store->revision()));
    CHECK(names(list) == "a b ");
    CHECK(names(api.get("/api/v1/configmaps")) == "a b ");
}

TEST_CASE("list: selectors choose, and wrong ones are told", "[kuberest]") {
    TestApi api;
    api.post(kConfigMapsPath, R"({"metadata":{"name":"a","labels":{"app":"x","t":"1"}}})");
    api.post(kConfigMapsPath, R"({"metadata":{"name":"b","labels":{"app":"y"}}})");
    CHECK(listed(api, "labelSelector=app=x") == "a ");
    CHECK(listed(api, "labelSelector=app in (x,y),!t") == "b ");
    CHECK(listed(api, "fieldSelector=metadata.name=b") == "b ");
    CHECK(listed(api, "fieldSelector=metadata.name!=b") == "a ");
    CHECK(listed(api, "fieldSelector=metadata.name=ab") == "");

    const Answer wrong = api.get(std::string(kConfigMapsPath) + "?fieldSelector=spec.foo=1");
    CHECK(wrong.code == 400);
    CHECK(
        wrong.message() ==
        "\"spec.foo\" is not a known field selector: only \"metadata.name\", "
        "\"metadata.namespace\""
    );
    CHECK(
        api.get(std::string(kPodsPath) + "?fieldSelector=spec.foo=1").message() ==
        "field label not supported: spec.foo"
    );
}

TEST_CASE("list: pages are of one snapshot", "[kuberest]") {
    TestApi api;
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        api.post(kConfigMapsPath, config_map(name));
    }
    const Answer first = api.get(std::string(kConfigMapsPath) + "?limit=2");
    CHECK(names(first) == "a b ");
    CHECK(first.body.integer_at({"metadata", "remainingItemCount"}) == 3);
    api.remove(std::string(kConfigMapsPath) + "/c");
    api.post(kConfigMapsPath, config_map("cc"));

    const std::string token = first.text({"metadata", "continue"});
    const Answer second = api.get(std::string(kConfigMapsPath) + "?limit=2&continue=" + token);
    CHECK(names(second) == "c d ");
    CHECK(second.revision() == first.revision());
    const Answer third = api.get(
        std::string(kConfigMapsPath) + "?limit=2&continue=" + second.text({"metadata", "continue"})
    );
    CHECK(names(third) == "e ");
    CHECK(third.text({"metadata", "continue"}).empty());
}

TEST_CASE("list: a page whose history is gone says how to go on", "[kuberest]") {
    TestApi api({.history_revisions = 1});
    for (const char* name : {"a", "b", "c"}) {
        api.post(kConfigMapsPath, config_map(name));
    }
    const Answer first = api.get(std::string(kConfigMapsPath) + "?limit=1");
    for (int i = 0; i < 600; ++i) {
        api.patch(
            std::string(kConfigMapsPath) + "/a", "merge-patch",
            R"({"data":{"k":")" + std::to_string(i) + R"("}})"
        );
    }
    while (api.store->compact().value()) {}
    const Answer expired = api.get(
        std::string(kConfigMapsPath) + "?limit=1&continue=" + first.text({"metadata", "continue"})
    );
    CHECK(expired.code == 410);
    CHECK(expired.reason() == "Expired");
    const Answer resumed = api.get(
        std::string(kConfigMapsPath) + "?continue=" + expired.text({"metadata", "continue"})
    );
    CHECK(names(resumed) == "b c ");
    CHECK(
        api.get(std::string(kConfigMapsPath) + "?resourceVersion=3&resourceVersionMatch=Exact")
            .message() == "The resourceVersion for the provided list is too old."
    );
}

TEST_CASE("list: what revision is wanted, and what may not be asked", "[kuberest]") {
    TestApi api;
    const std::string first = api.post(kConfigMapsPath, config_map("a")).revision();
    api.post(kConfigMapsPath, config_map("b"));
    CHECK(listed(api, "resourceVersion=0") == "a b ");
    CHECK(listed(api, "resourceVersion=" + first) == "a b ");
    CHECK(listed(api, "resourceVersion=" + first + "&resourceVersionMatch=Exact") == "a ");
    CHECK(listed(api, "resourceVersion=" + first + "&limit=5") == "a ");

    struct Case {
        std::string query;
        int code;
        std::string message;
    };
    const std::string invalid = "ListOptions.meta.k8s.io \"\" is invalid: ";
    const Case cases[] = {
        {"resourceVersion=900", 504, "Timeout: Too large resource version: 900, current: 4"},
        {"resourceVersion=abc", 400,
         "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: "
         "parsing \"abc\": invalid syntax"},
        {"limit=abc", 400, "strconv.ParseInt: parsing \"abc\": invalid syntax"},
        {"resourceVersionMatch=Exact", 422,
         invalid + "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless "
                   "resourceVersion is provided"},
        {"resourceVersion=0&resourceVersionMatch=Exact", 422,
         invalid +
             "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for "
             "resourceVersion \"0\""},
        {"continue=x&resourceVersion=3", 400,
         "specifying resource version is not allowed when using continue"},
        {"sendInitialEvents=true", 422,
         invalid + "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"},
        {"labelSelector=a=b=c", 400, ""},
    };
    for (const Case& tried : cases) {
        INFO(tried.query);
        const Answer answer = api.get(std::string(kConfigMapsPath) + "?" + tried.query);
        CHECK(answer.code == tried.code);
        if (!tried.message.empty()) {
            CHECK(answer.message() == tried.message);
        }
    }
}

}  // namespace farhold::kuberest
