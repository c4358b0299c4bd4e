// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

constexpr const char* kTable =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/"
    "json;as=Table;v=v1beta1;g=meta.k8s.io,"
    "application/json";

}  // namespace

TEST_CASE("tables: rows carry cells and metadata", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a", R"(,"data":{"k":"v"})"));
    api.accept = kTable;
    const Answer table = api.get(kConfigMaps);
    CHECK(table.text_at({"kind"}) == "Table");
    CHECK(table.text_at({"apiVersion"}) == "meta.k8s.io/v1");
    CHECK_FALSE(table.revision().empty());
    const json::Value& column = table.body.find("columnDefinitions")->array()[0];
    CHECK(column.text_at({"name"}) == "Name");
    CHECK(column.text_at({"format"}) == "name");
    const json::Value& row = table.body.find("rows")->array()[0];
    CHECK(row.find("cells")->array()[0].string() == "a");
    CHECK(row.text_at({"object", "kind"}) == "PartialObjectMetadata");
    CHECK(row.at_path({"object", "data"}) == nullptr);

    CHECK(api.get(kConfigMaps + "/a").body.find("rows")->size() == 1);
    const Answer full = api.get(kConfigMaps + "?includeObject=Object");
    CHECK(full.body.find("rows")->array()[0].text_at({"object", "data", "k"}) == "v");
    const Answer none = api.get(kConfigMaps + "?includeObject=None");
    CHECK(none.body.find("rows")->array()[0].find("object")->is_null());
    CHECK(api.get(kConfigMaps + "?includeObject=Foo").code == 400);
    CHECK(api.get(kConfigMaps + "/none").text_at({"kind"}) == "Status");
}

TEST_CASE("metadata only: for lists, objects and patches", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a", R"(,"data":{"k":"v"})"));
    api.accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const Answer list = api.get(kConfigMaps);
    CHECK(list.text_at({"kind"}) == "PartialObjectMetadataList");
    CHECK(list.body.find("items")->array()[0].find("data") == nullptr);
    api.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    const Answer one = api.get(kConfigMaps + "/a");
    CHECK(one.text_at({"kind"}) == "PartialObjectMetadata");
    CHECK(one.text_at({"metadata", "name"}) == "a");
}

TEST_CASE("accept: the first form that we have is taken", "[api]") {
    TestApi api;
    const auto code = [&api](std::string accept) {
        api.accept = std::move(accept);
        return api.get("/api/v1/namespaces").code;
    };
    CHECK(code("") == 200);
    CHECK(code("*/*") == 200);
    CHECK(code("application/json; charset=utf-8") == 200);
    CHECK(code("text/html") == 406);
    CHECK(code("application/json;as=Foo;g=meta.k8s.io;v=v1") == 406);
}

TEST_CASE("numbers and unknown annotations pass through unchanged", "[api]") {
    TestApi api;
    const Answer made = api.post(
        kPods,
        pod("a",
            R"(,"tolerations":[{"operator":"Exists","effect":"NoExecute","tolerationSeconds":9007199254740993}])"
        )
    );
    REQUIRE(made.code == 201);
    CHECK(made.text.contains("9007199254740993"));
}

TEST_CASE("accept: what cannot be answered is not done", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
    const std::string one = kConfigMaps + "/a";
    for (const char* accept :
         {"text/html", "application/json;as=Foo;g=meta.k8s.io;v=v1",
          "application/json;as=Table;g=meta.k8s.io;v=v7"}) {
        INFO(accept);
        api.accept = accept;
        CHECK(api.post(kConfigMaps, config_map("b")).code == 406);
        CHECK(api.post(kConfigMaps, "{").code == 406);
        CHECK(api.patch(one, "merge-patch", R"({"data":{"k":"v"}})").code == 406);
        CHECK(
            api.put(one, json::Value::parse(config_map("a", R"(,"data":{"k":"v"})")).value())
                .code == 406
        );
        CHECK(api.remove(one).code == 406);
        CHECK(api.remove(kConfigMaps).code == 406);
        CHECK(api.get(one).code == 406);
        CHECK(api.get(kConfigMaps + "/none").code == 406);
        CHECK(api.get(kConfigMaps + "?watch=true").code == 406);
        api.accept = "application/json";
        CHECK(names(api.get(kConfigMaps)) == "a ");
        CHECK(api.get(one).body.find("data") == nullptr);
    }
}

TEST_CASE("tables and metadata: for what is written too", "[api]") {
    TestApi api;
    for (const char* accept :
         {"application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
          "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}) {
        INFO(accept);
        api.accept = accept;
        CHECK(api.post(kConfigMaps, config_map("a")).code == 201);
        CHECK(api.patch(kConfigMaps + "/a", "merge-patch", R"({"data":{"k":"v"}})").code == 200);
        CHECK(api.remove(kConfigMaps + "/a").code == 200);
        CHECK(api.post(kPods, pod("a")).code == 201);
        CHECK(api.remove(kPods + "/a").code == 200);
    }
}

}  // namespace farhold::api_behaviour
