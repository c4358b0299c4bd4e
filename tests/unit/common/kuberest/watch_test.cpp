// SPDX-License-Identifier: Apache-2.0
#include "test_api.hpp"

namespace farhold::kuberest {
namespace {

using Lines = std::vector<std::string>;

std::string watch_path(std::string_view query) {
    return std::string(kConfigMapsPath) + "?watch=true&" + std::string(query);
}

}  // namespace

TEST_CASE("watch: goes on exactly after the list", "[kuberest]") {
    TestApi api;
    api.post(kConfigMapsPath, config_map("a"));
    const std::string revision = api.get(kConfigMapsPath).revision();
    api.post(kConfigMapsPath, config_map("b"));
    const auto watcher = api.watch(watch_path("resourceVersion=" + revision));
    CHECK(api.poll(*watcher) == Lines{"ADDED b@4"});
    api.patch(std::string(kConfigMapsPath) + "/a", "merge-patch", R"({"data":{"k":"v"}})");
    api.remove(std::string(kConfigMapsPath) + "/b");
    api.post(kPodsPath, pod("other"));
    CHECK(api.poll(*watcher) == Lines{"MODIFIED a@5", "DELETED b@6"});
    CHECK(api.poll(*watcher).empty());
}

TEST_CASE("watch: without a revision the state comes first", "[kuberest]") {
    TestApi api;
    api.post(kConfigMapsPath, config_map("a"));
    const auto watcher = api.watch(watch_path("resourceVersion=0"));
    api.post(kConfigMapsPath, config_map("b"));
    CHECK(api.poll(*watcher) == Lines{"ADDED a@3"});
    CHECK(api.poll(*watcher) == Lines{"ADDED b@4"});
}

TEST_CASE("watch: initial events end with a bookmark that says so", "[kuberest]") {
    TestApi api;
    api.post(kConfigMapsPath, config_map("a"));
    const auto watcher = api.watch(watch_path(
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    ));
    const std::string text = watcher->poll(api.now).text;
    CHECK(text.starts_with("{\"type\":\"ADDED\""));
    CHECK(text.ends_with(
        R"({"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":)"
        R"({"resourceVersion":"3","annotations":{"k8s.io/initial-events-end":"true"}}}})"
        "\n"
    ));
}

TEST_CASE("watch: an object enters and leaves a selector", "[kuberest]") {
    TestApi api;
    const auto watcher = api.watch(watch_path("resourceVersion=2&labelSelector=x=1"));
    api.post(kConfigMapsPath, config_map("a"));
    const std::string path = std::string(kConfigMapsPath) + "/a";
    api.patch(path, "merge-patch", R"({"metadata":{"labels":{"x":"1"}}})");
    api.patch(path, "merge-patch", R"({"metadata":{"labels":{"y":"1"}}})");
    api.patch(path, "merge-patch", R"({"metadata":{"labels":{"x":"2"}}})");
    api.remove(path);
    CHECK(api.poll(*watcher) == Lines{"ADDED a@4", "MODIFIED a@5", "DELETED a@6"});
}

TEST_CASE("watch: a named object only", "[kuberest]") {
    TestApi api;
    const auto watcher = api.watch(watch_path("resourceVersion=2&fieldSelector=metadata.name=b"));
    api.post(kConfigMapsPath, config_map("a"));
    api.post(kConfigMapsPath, config_map("b"));
    CHECK(api.poll(*watcher) == Lines{"ADDED b@4"});
}

TEST_CASE("watch: too old a revision is one error event and the end", "[kuberest]") {
    TestApi api({.ring_events_max = 2});
    for (const char* name : {"a", "b", "c", "d"}) {
        api.post(kConfigMapsPath, config_map(name));
    }
    const auto watcher = api.watch(watch_path("resourceVersion=3"));
    const Watcher::Lines lines = watcher->poll(api.now);
    CHECK(lines.ended);
    CHECK(lines.text.contains(R"("code":410)"));
    CHECK(lines.text.contains(R"("reason":"Expired")"));
    CHECK(lines.text.contains("too old resource version: 3 (4)"));
    CHECK(watcher->poll(api.now).text.empty());
}

TEST_CASE("watch: a revision of the future is waited for", "[kuberest]") {
    TestApi api;
    const auto watcher = api.watch(watch_path("resourceVersion=4"));
    api.post(kConfigMapsPath, config_map("a"));
    CHECK(api.poll(*watcher).empty());
    api.post(kConfigMapsPath, config_map("b"));
    api.post(kConfigMapsPath, config_map("c"));
    CHECK(api.poll(*watcher) == Lines{"ADDED c@5"});
}

TEST_CASE("watch: bookmarks come when there is news and they are wanted", "[kuberest]") {
    TestApi api;
    const auto without = api.watch(watch_path("resourceVersion=2"));
    const auto watcher = api.watch(watch_path("resourceVersion=2&allowWatchBookmarks=true"));
    api.post(kPodsPath, pod("other"));
    CHECK(api.poll(*watcher).empty());
    CHECK(
        watcher->bookmark() ==
        R"({"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1",)"
        R"("metadata":{"resourceVersion":"3"}}})"
        "\n"
    );
    CHECK(watcher->bookmark().empty());
    api.poll(*without);
    CHECK(without->bookmark().empty());
}

TEST_CASE("watch: many events come in pieces", "[kuberest]") {
    TestApi api;
    const auto watcher = api.watch(watch_path("resourceVersion=2"));
    for (int i = 0; i < 150; ++i) {
        api.post(kConfigMapsPath, config_map("n" + std::to_string(i)));
    }
    CHECK(api.poll(*watcher).size() == 100);
    CHECK(api.poll(*watcher).size() == 50);
}

TEST_CASE("watch: tables name their columns once", "[kuberest]") {
    TestApi api;
    api.accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    const auto watcher = api.watch(watch_path("resourceVersion=2"));
    api.post(kConfigMapsPath, config_map("a"));
    const std::string first = watcher->poll(api.now).text;
    CHECK(first.contains(R"("kind":"Table")"));
    CHECK(first.contains(R"("columnDefinitions":[{"name":"Name")"));
    api.post(kConfigMapsPath, config_map("b"));
    CHECK(watcher->poll(api.now).text.contains(R"("columnDefinitions":null)"));
}

TEST_CASE("watch: options that do not fit are refused before the stream", "[kuberest]") {
    TestApi api;
    CHECK(api.get(watch_path("resourceVersion=abc")).code == 500);
    CHECK(api.get(watch_path("continue=x")).code == 422);
    CHECK(api.get(watch_path("resourceVersionMatch=NotOlderThan")).code == 422);
    CHECK(api.get(watch_path("sendInitialEvents=true")).code == 422);
    CHECK(
        api.get(watch_path(
                    "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99"
                ))
            .code == 504
    );
}

}  // namespace farhold::kuberest
