// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

std::string listed(TestApi& api, std::string_view query) {
    return names(api.get(kConfigMaps + "?" + std::string(query)));
}

}  // namespace

TEST_CASE("list: in the order of names, with the revision of the snapshot", "[api]") {
    TestApi api;
    CHECK(api.get(kConfigMaps).body.find("items")->is_array());
    api.post(kConfigMaps, config_map("b"));
    api.post(kConfigMaps, config_map("a"));
    const Answer list = api.get(kConfigMaps);
    CHECK(list.text_at({"kind"}) == "ConfigMapList");
    CHECK(list.text_at({"apiVersion"}) == "v1");
    CHECK(list.revision() == api.get(kConfigMaps + "/a").revision());
    CHECK(names(list) == "a b ");
    CHECK(names(api.get("/api/v1/configmaps?fieldSelector=metadata.namespace=default")) == "a b ");
}

TEST_CASE("list: selectors choose, and wrong ones are told", "[api]") {
    TestApi api;
    api.post(kConfigMaps, R"({"metadata":{"name":"a","labels":{"app":"x","t":"1"}}})");
    api.post(kConfigMaps, R"({"metadata":{"name":"b","labels":{"app":"y"}}})");
    CHECK(listed(api, "labelSelector=app=x") == "a ");
    CHECK(listed(api, "labelSelector=app in (x,y),!t") == "b ");
    CHECK(listed(api, "fieldSelector=metadata.name=b") == "b ");
    CHECK(listed(api, "fieldSelector=metadata.name!=b") == "a ");
    CHECK(listed(api, "fieldSelector=metadata.name=ab") == "");

    const Answer wrong = api.get(kConfigMaps + "?fieldSelector=spec.foo=1");
    CHECK(wrong.code == 400);
    CHECK(
        wrong.message() ==
        "\"spec.foo\" is not a known field selector: only \"metadata.name\", "
        "\"metadata.namespace\""
    );
    CHECK(
        api.get(kPods + "?fieldSelector=spec.foo=1").message() ==
        "field label not supported: spec.foo"
    );
}

TEST_CASE("list: pages are of one snapshot", "[api]") {
    TestApi api;
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        api.post(kConfigMaps, config_map(name));
    }
    const Answer first = api.get(kConfigMaps + "?limit=2");
    CHECK(names(first) == "a b ");
    CHECK(first.body.integer_at({"metadata", "remainingItemCount"}) == 3);
    api.remove(kConfigMaps + "/c");
    api.post(kConfigMaps, config_map("cc"));

    const std::string token = first.text_at({"metadata", "continue"});
    const Answer second = api.get(kConfigMaps + "?limit=2&continue=" + token);
    CHECK(names(second) == "c d ");
    CHECK(second.revision() == first.revision());
    const Answer third =
        api.get(kConfigMaps + "?limit=2&continue=" + second.text_at({"metadata", "continue"}));
    CHECK(names(third) == "e ");
    CHECK(third.text_at({"metadata", "continue"}).empty());
}

TEST_CASE("list: what revision is wanted, and what may not be asked", "[api]") {
    TestApi api;
    const std::string first = api.post(kConfigMaps, config_map("a")).revision();
    const std::string second = api.post(kConfigMaps, config_map("b")).revision();
    // Older ones may be answered by an older state, until a newer one was asked for.
    CHECK(listed(api, "resourceVersion=" + second) == "a b ");
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
        {"resourceVersion=900000000", 504, ""},
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
        {"continue=x&resourceVersion=3", 400, ""},
        {"sendInitialEvents=true", 422,
         invalid + "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"},
        {"labelSelector=a=b=c", 400, ""},
    };
    for (const Case& tried : cases) {
        INFO(tried.query);
        const Answer answer = api.get(kConfigMaps + "?" + tried.query);
        CHECK(answer.code == tried.code);
        if (!tried.message.empty()) {
            CHECK(answer.message() == tried.message);
        }
    }
}

TEST_CASE("list: selectors in all their forms", "[api]") {
    TestApi api;
    api.post(kConfigMaps, R"({"metadata":{"name":"a","labels":{"n":"5","x.io/y":"z"}}})");
    api.post(kConfigMaps, R"({"metadata":{"name":"b","labels":{"n":"7","e":""}}})");
    const std::pair<const char*, const char*> good[] = {
        {"n", "a b "},         {"!n", ""},
        {"n!=5", "b "},        {"n==5", "a "},
        {"n notin (5)", "b "}, {"n in (5,7)", "a b "},
        {"n>5", "b "},         {"n<7", "a "},
        {"x.io/y=z", "a "},    {"e=", "b "},
        {"e in ()", "b "},     {"e,n", "b "},
        {" n = 5 ", "a "},     {"", "a b "},
        {"n!=9,!e", "a "},     {"none!=x", "a b "},
        {"n in (5,)", "a "},   {"n>=5", ""},
    };
    for (const auto& [selector, expected] : good) {
        INFO(selector);
        const Answer answer = api.get(kConfigMaps + "?labelSelector=" + selector);
        if (std::string_view(selector) != "n>=5") {
            CHECK(names(answer) == expected);
        }
    }
    for (const char* selector :
         {"a=1,",  ",a=1",  "a=1,,b=2", "a b",     "a in", "a in 5",  "a in (5",
          "a=b c", "=x",    "!",        "a>x",     "a=/",  "a/b/c=1", "a in (5) b",
          "!a=1",  "a=b=c", "(a)",      "a notin", "a!",   "a<"}) {
        INFO(selector);
        const Answer answer = api.get(kConfigMaps + "?labelSelector=" + selector);
        CHECK(answer.code == 400);
        CHECK(answer.reason() == "BadRequest");
    }
    for (const char* selector :
         {"metadata.name", "metadata.name>a", "=a", "metadata.name=a,foo", "foo=1",
          "metadata.labels=x", "metadata.name=a=b"}) {
        INFO(selector);
        CHECK(api.get(kConfigMaps + "?fieldSelector=" + selector).code == 400);
    }
    CHECK(listed(api, "fieldSelector=metadata.name==a") == "a ");
    CHECK(listed(api, "fieldSelector=metadata.name=a,metadata.name=b").empty());
    CHECK(listed(api, "fieldSelector=metadata.namespace=default") == "a b ");
    CHECK(listed(api, "fieldSelector=metadata.namespace=other").empty());
    CHECK(listed(api, "fieldSelector=").size() == 4);
}

TEST_CASE("list: options that are odd", "[api]") {
    TestApi api;
    const Answer made = api.post(kConfigMaps, config_map("a"));
    for (const char* query :
         {"limit=-1", "limit=0", "timeoutSeconds=5", "timeoutSeconds=-1", "watch=false", "watch=0",
          "pretty=true", "allowWatchBookmarks=true",
          "resourceVersion=", "resourceVersion=0&resourceVersionMatch=NotOlderThan",
          "resourceVersion=0&limit=1", "includeObject=None", "foo=bar"}) {
        INFO(query);
        CHECK(listed(api, query) == "a ");
    }
    for (const char* query :
         {"continue=x", "continue=e30", "resourceVersionMatch=Foo&resourceVersion=1",
          "resourceVersion=-1", "limit=", "resourceVersion=1.5",
          "resourceVersionMatch=NotOlderThan", "continue=x&resourceVersionMatch=Exact", "limit=1.5",
          "timeoutSeconds=x", "sendInitialEvents=false",
          "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"}) {
        INFO(query);
        CHECK(api.get(kConfigMaps + "?" + query).code >= 400);
    }
    const std::string one = kConfigMaps + "/a?resourceVersion=";
    CHECK(api.get(one + "0").body == made.body);
    CHECK(api.get(one + made.revision()).body == made.body);
    CHECK(api.get(one + "abc").code == 500);
    CHECK(api.get(one + "900000000").code == 504);
    CHECK(api.get(kConfigMaps + "/none?resourceVersion=0").code == 404);
}

TEST_CASE("list: pages with a selector", "[api]") {
    TestApi api;
    for (const char* name : {"a", "b", "c"}) {
        api.post(
            kConfigMaps,
            R"({"metadata":{"labels":{"x":"1"},"name":")" + std::string(name) + R"("}})"
        );
    }
    const std::string query = kConfigMaps + "?labelSelector=x=1&limit=2";
    const Answer first = api.get(query);
    CHECK(names(first) == "a b ");
    const Answer second = api.get(query + "&continue=" + first.text_at({"metadata", "continue"}));
    CHECK(names(second) == "c ");
    CHECK(names(api.get(kConfigMaps + "?labelSelector=x=1&limit=3")) == "a b c ");
    api.accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    CHECK(api.get(query).body.elements_at({"rows"}).size() == 2);
}

}  // namespace farhold::api_behaviour
