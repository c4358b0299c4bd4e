// SPDX-License-Identifier: Apache-2.0
//
// Revisions as the store counts them, and what happens when it has forgotten old ones.
#include "test_api.hpp"

namespace farhold::kuberest {
namespace {

using Lines = std::vector<std::string>;

std::string watch_path(std::string_view query) {
    return std::string(kConfigMapsPath) + "?watch=true&" + std::string(query);
}

std::string names(const Answer& answer) {
    std::string text;
    for (const json::Value& item : answer.body.elements_at({"items"})) {
        text += std::string(item.text_at({"metadata", "name"})) + " ";
    }
    return text;
}

}  // namespace

TEST_CASE("revisions: an object and its list have the store's, and what is refused has none") {
    TestApi api;
    const Answer made = api.post(kConfigMapsPath, config_map("a"));
    CHECK(made.revision() == std::to_string(api.store->revision()));
    CHECK(api.get(kConfigMapsPath).revision() == made.revision());
    api.post(kConfigMapsPath, config_map("a"));
    api.post(kConfigMapsPath, "{");
    api.put(std::string(kConfigMapsPath) + "/a", made.body);
    CHECK(made.revision() == std::to_string(api.store->revision()));
}

TEST_CASE("list: a page whose history is gone says how to go on") {
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

TEST_CASE("watch: too old a revision is one error event and the end") {
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

TEST_CASE("watch: a revision of the future is waited for") {
    TestApi api;
    const auto watcher = api.watch(watch_path("resourceVersion=4"));
    api.post(kConfigMapsPath, config_map("a"));
    CHECK(api.poll(*watcher).empty());
    api.post(kConfigMapsPath, config_map("b"));
    api.post(kConfigMapsPath, config_map("c"));
    CHECK(api.poll(*watcher) == Lines{"ADDED c@5"});
}

TEST_CASE("watch: initial events of a revision of the future are refused") {
    TestApi api;
    const std::string query =
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99";
    CHECK(api.get(watch_path(query)).code == 504);
}

TEST_CASE("watch: bookmarks come when there is news and they are wanted") {
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

TEST_CASE("watch: many events come in pieces") {
    TestApi api;
    const auto watcher = api.watch(watch_path("resourceVersion=2"));
    for (int i = 0; i < 150; ++i) {
        api.post(kConfigMapsPath, config_map("n" + std::to_string(i)));
    }
    CHECK(api.poll(*watcher).size() == 100);
    CHECK(api.poll(*watcher).size() == 50);
}

}  // namespace farhold::kuberest
