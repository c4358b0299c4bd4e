// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::kuberest {
namespace {

constexpr const char* kTable =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/"
    "json;as=Table;v=v1beta1;g=meta.k8s.io,"
    "application/json";

}  // namespace

TEST_CASE("tables: rows carry cells and metadata", "[kuberest]") {
    TestApi api;
    api.post(kConfigMapsPath, config_map("a", R"(,"data":{"k":"v"})"));
    api.accept = kTable;
    const Answer table = api.get(kConfigMapsPath);
    CHECK(table.text({"kind"}) == "Table");
    CHECK(table.text({"apiVersion"}) == "meta.k8s.io/v1");
    CHECK(table.revision() == "3");
    const json::Value& column = table.body.find("columnDefinitions")->array()[0];
    CHECK(column.text_at({"name"}) == "Name");
    CHECK(column.text_at({"format"}) == "name");
    const json::Value& row = table.body.find("rows")->array()[0];
    CHECK(row.find("cells")->array()[0].string() == "a");
    CHECK(row.text_at({"object", "kind"}) == "PartialObjectMetadata");
    CHECK(row.at_path({"object", "data"}) == nullptr);

    CHECK(api.get(std::string(kConfigMapsPath) + "/a").body.find("rows")->size() == 1);
    const Answer full = api.get(std::string(kConfigMapsPath) + "?includeObject=Object");
    CHECK(full.body.find("rows")->array()[0].text_at({"object", "data", "k"}) == "v");
    const Answer none = api.get(std::string(kConfigMapsPath) + "?includeObject=None");
    CHECK(none.body.find("rows")->array()[0].find("object")->is_null());
    CHECK(api.get(std::string(kConfigMapsPath) + "?includeObject=Foo").code == 400);
    CHECK(api.get(std::string(kConfigMapsPath) + "/none").text({"kind"}) == "Status");
}

TEST_CASE("metadata only: for lists, objects and patches", "[kuberest]") {
    TestApi api;
    api.post(kConfigMapsPath, config_map("a", R"(,"data":{"k":"v"})"));
    api.accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const Answer list = api.get(kConfigMapsPath);
    CHECK(list.text({"kind"}) == "PartialObjectMetadataList");
    CHECK(list.body.find("items")->array()[0].find("data") == nullptr);
    api.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    const Answer one = api.get(std::string(kConfigMapsPath) + "/a");
    CHECK(one.text({"kind"}) == "PartialObjectMetadata");
    CHECK(one.text({"metadata", "name"}) == "a");
}

TEST_CASE("accept: the first form that we have is taken", "[kuberest]") {
    TestApi api;
    const auto code = [&api](std::string accept) {
        api.accept = std::move(accept);
        return api.get("/api/v1/namespaces").code;
    };
    CHECK(code("") == 200);
    CHECK(code("*/*") == 200);
    CHECK(code("application/vnd.kubernetes.protobuf,application/json") == 200);
    CHECK(code("application/vnd.kubernetes.protobuf, */*") == 200);
    CHECK(code("application/json; charset=utf-8") == 200);
    CHECK(code("text/html") == 406);
    CHECK(code("application/json;as=Foo;g=meta.k8s.io;v=v1") == 406);
}

TEST_CASE("numbers and unknown annotations pass through unchanged", "[kuberest]") {
    TestApi api;
    const Answer made =
        api.post(kPodsPath, pod("a", R"(,"securityContext":{"runAsUser":9007199254740993})"));
    REQUIRE(made.code == 201);
    CHECK(made.response.body.contains("9007199254740993"));
}

}  // namespace farhold::kuberest
