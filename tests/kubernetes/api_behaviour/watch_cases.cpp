// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

using Lines = std::vector<std::string>;

std::string watch_path(std::string_view query) {
    return kConfigMaps + "?watch=true&" + std::string(query);
}

std::string from(const Answer& answer) {
    return watch_path("resourceVersion=" + answer.revision());
}

std::string labelled(std::string_view value) {
    return R"({"metadata":{"labels":{"x":")" + std::string(value) + R"("}}})";
}

}  // namespace

TEST_CASE("watch: goes on exactly after the list", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
    const std::string start = from(api.get(kConfigMaps));
    const Answer made = api.post(kConfigMaps, config_map("b"));
    const auto watch = api.watch(start);
    const json::Value added = watch->next();
    CHECK(added.text_at({"type"}) == "ADDED");
    CHECK(*added.find("object") == made.body);
    api.patch(kConfigMaps + "/a", "merge-patch", R"({"data":{"k":"v"}})");
    api.post(kPods, pod("other"));
    api.remove(kConfigMaps + "/b");
    CHECK(next_events(*watch, 1) == Lines{"MODIFIED a"});
    const json::Value deleted = watch->next();
    CHECK(deleted.text_at({"type"}) == "DELETED");
    CHECK(deleted.text_at({"object", "metadata", "name"}) == "b");
    CHECK(deleted.text_at({"object", "metadata", "resourceVersion"}) != made.revision());
}

TEST_CASE("watch: without a revision the state comes first", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
    const auto watch = api.watch(watch_path("resourceVersion=0"));
    CHECK(next_events(*watch, 1) == Lines{"ADDED a"});
    api.post(kConfigMaps, config_map("b"));
    CHECK(next_events(*watch, 1) == Lines{"ADDED b"});
    CHECK(next_events(*api.watch(watch_path("")), 2) == Lines{"ADDED a", "ADDED b"});
}

TEST_CASE("watch: initial events end with a bookmark that says so", "[api]") {
    TestApi api;
    api.post(kConfigMaps, config_map("a"));
    const auto watch = api.watch(watch_path(
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    ));
    CHECK(next_events(*watch, 1) == Lines{"ADDED a"});
    const json::Value end = watch->next();
    CHECK(end.text_at({"type"}) == "BOOKMARK");
    CHECK(end.text_at({"object", "kind"}) == "ConfigMap");
    CHECK(
        end.text_at({"object", "metadata", "annotations", "k8s.io/initial-events-end"}) == "true"
    );
}

TEST_CASE("watch: an object enters and leaves a selector", "[api]") {
    TestApi api;
    const auto watch = api.watch(from(api.get(kConfigMaps)) + "&labelSelector=x=1");
    api.post(kConfigMaps, config_map("a"));
    const std::string path = kConfigMaps + "/a";
    api.patch(path, "merge-patch", labelled("1"));
    api.patch(path, "merge-patch", R"({"metadata":{"labels":{"y":"1"}}})");
    api.patch(path, "merge-patch", labelled("2"));
    api.patch(path, "merge-patch", labelled("1"));
    api.remove(path);
    CHECK(
        next_events(*watch, 5) ==
        Lines{"ADDED a", "MODIFIED a", "DELETED a", "ADDED a", "DELETED a"}
    );
}

TEST_CASE("watch: a named object only", "[api]") {
    TestApi api;
    const auto watch = api.watch(from(api.get(kConfigMaps)) + "&fieldSelector=metadata.name=b");
    api.post(kConfigMaps, config_map("a"));
    api.post(kConfigMaps, config_map("b"));
    CHECK(next_events(*watch, 1) == Lines{"ADDED b"});
}

TEST_CASE("watch: a pod enters and leaves the selector of its node and phase", "[api]") {
    TestApi api;
    const auto watch = api.watch(
        kPods + "?watch=true&resourceVersion=" + api.get(kPods).revision() +
        "&fieldSelector=spec.nodeName=n,status.phase!=Succeeded"
    );
    api.post(kPods, pod("a"));
    api.post(
        kPods + "/a/binding", R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"a"},)"
                              R"("target":{"kind":"Node","name":"n"}})"
    );
    CHECK(next_events(*watch, 1) == Lines{"ADDED a"});
    api.patch(kPods + "/a/status", "merge-patch", R"({"status":{"phase":"Succeeded"}})");
    CHECK(next_events(*watch, 1) == Lines{"DELETED a"});
}

TEST_CASE("watch: tables name their columns once", "[api]") {
    TestApi api;
    const std::string start = from(api.get(kConfigMaps));
    api.accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    const auto watch = api.watch(start);
    api.post(kConfigMaps, config_map("a"));
    const json::Value first = watch->next();
    CHECK(first.text_at({"object", "kind"}) == "Table");
    CHECK(first.at_path({"object", "columnDefinitions"})->array()[0].text_at({"name"}) == "Name");
    api.post(kConfigMaps, config_map("b"));
    CHECK(watch->next().at_path({"object", "columnDefinitions"})->is_null());
}

TEST_CASE("watch: metadata only", "[api]") {
    TestApi api;
    const std::string start = from(api.get(kConfigMaps));
    api.accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    const auto watch = api.watch(start);
    api.accept = "application/json";
    api.post(kConfigMaps, config_map("a", R"(,"data":{"k":"v"})"));
    const json::Value event = watch->next();
    CHECK(event.text_at({"object", "kind"}) == "PartialObjectMetadata");
    CHECK(event.at_path({"object", "data"}) == nullptr);
}

TEST_CASE("watch: options that do not fit are refused before the stream", "[api]") {
    TestApi api;
    CHECK(api.get(watch_path("resourceVersion=abc")).code == 500);
    CHECK(api.get(watch_path("continue=x")).code == 422);
    CHECK(api.get(watch_path("resourceVersionMatch=NotOlderThan")).code == 422);
    CHECK(api.get(watch_path("sendInitialEvents=true")).code == 422);
    CHECK(api.get(watch_path("resourceVersionMatch=Foo&resourceVersion=0")).code == 422);
    CHECK(api.get(watch_path("labelSelector=a=b=c")).code == 400);
    CHECK(api.get(watch_path("timeoutSeconds=abc")).code == 400);
}

}  // namespace farhold::api_behaviour
