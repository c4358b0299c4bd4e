// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/rest_requests.hpp"

#include "tests/support/catch.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::kubeapi;

TEST_CASE("rest_requests: metadata alone is asked for by the Accept header", "[kubeapi]") {
    ListOptions options;
    CHECK(list_request(kSecrets, options, {}).accept == "application/json");
    options.metadata_only = true;
    CHECK(
        list_request(kSecrets, options, {}).accept ==
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
    );
    CHECK(
        watch_request(kSecrets, options, "7").accept ==
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
    );
}

TEST_CASE("rest_requests: a list by a watch is asked for as new as one by pages", "[kubeapi]") {
    ListOptions options;
    options.metadata_only = true;
    options.field_selector = "spec.nodeName=n";
    const RestRequest request = watch_list_request(kPods, options);
    CHECK(request.accept == watch_request(kPods, options, "7").accept);
    const std::vector<std::pair<std::string, std::string>> query{
        {"fieldSelector", "spec.nodeName=n"},     {"watch", "true"},
        {"allowWatchBookmarks", "true"},          {"sendInitialEvents", "true"},
        {"resourceVersionMatch", "NotOlderThan"},
    };
    CHECK(request.query == query);
    CHECK(request.verb == "watch");
}

TEST_CASE("rest_requests: of a page is kept what the options keep", "[kubeapi]") {
    ListOptions options;
    std::vector<std::string> read;
    options.on_read = [&read](const ObjectPtr& object) {
        read.push_back(object->dump());
        return std::make_shared<const json::Value>(json::Value::of(1));
    };
    const json::Value page =
        json::Value::parse(R"({"metadata":{"resourceVersion":"9","continue":"next"},)"
                           R"("items":[{"metadata":{"name":"a","managedFields":[]}}]})")
            .value();
    ListResult result;
    CHECK(take_page(page, options, result) == "next");
    CHECK(result.resource_version == "9");
    CHECK(read == std::vector<std::string>{R"({"metadata":{"name":"a"}})"});
    CHECK(result.items.at(0)->dump() == "1");
    CHECK(take_page(page, {}, result) == "next");
    CHECK(result.items.at(1)->dump() == read.at(0));
}
