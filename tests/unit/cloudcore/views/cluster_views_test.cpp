// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/cluster_views.hpp"

#include "common/object/metadata.hpp"
#include "common/tunnel/content.hpp"
#include "tests/support/catch.hpp"
#include "view_objects.hpp"

using namespace farhold;
using namespace farhold::views;
using object::ObjectKey;
using test::pod;

namespace {

const std::string kSecret = R"(,"volumes":[{"secret":{"secretName":"s"}}])";

std::vector<json::Value> pods(int first, int last) {
    std::vector<json::Value> list;
    for (int i = first; i <= last; ++i) {
        list.push_back(pod("p" + std::to_string(i), "u" + std::to_string(i), "edge-1"));
    }
    return list;
}

ViewChanges list(
    ClusterViews& views, const std::vector<json::Value>& objects, std::string version = "10",
    bool complete = true, std::string cluster = "c"
) {
    ViewChanges changes;
    std::set<ObjectKey> present;
    for (const json::Value& object : objects) {
        const ViewChanges more = views.read(object);
        changes.insert(changes.end(), more.begin(), more.end());
        present.insert(ObjectKey::of(object));
    }
    const ListedKind listed{"Pod", std::move(cluster), std::move(version), complete};
    const ViewChanges more = views.listed(listed, present);
    changes.insert(changes.end(), more.begin(), more.end());
    return changes;
}

json::Value machine(const std::string& name, const std::string& uid = "n1") {
    json::Value node = test::plain("Node", name, uid);
    object::set_annotation(node, tunnel::kMachineKeyAnnotation, "key");
    return node;
}

// Of a cluster that has machine edge-1.
ClusterViews cluster() {
    ClusterViews views{RemovalHold()};
    views.read(machine("edge-1"));
    return views;
}

std::size_t size(ClusterViews& views) {
    return views.view("edge-1").objects().size() - 1;  // Without the Node.
}

}  // namespace

TEST_CASE("cluster_views: a complete relist removes what it lacks", "[views]") {
    ClusterViews views = cluster();
    CHECK(list(views, pods(1, 10)).size() == 10);
    const ViewChanges changes = list(views, pods(2, 10));
    CHECK(changes == ViewChanges{{"edge-1", ObjectKey{"Pod", "default", "p1"}, "u1"}});
    CHECK(size(views) == 9);
}

TEST_CASE("cluster_views: a partial list never removes", "[views]") {
    ClusterViews views = cluster();
    list(views, pods(1, 10));
    CHECK(list(views, pods(4, 4), "11", false).empty());
    CHECK(size(views) == 10);
    CHECK(views.kept_objects().empty());
}

TEST_CASE("cluster_views: a list of one kind says nothing of another", "[views]") {
    ClusterViews views = cluster();
    list(views, pods(1, 2));
    const ListedKind secrets{"Secret", "c", "11", true};
    CHECK(views.listed(secrets, {}).empty());
    CHECK(size(views) == 2);
}

TEST_CASE("cluster_views: what is held stays until it is confirmed or comes back", "[views]") {
    ClusterViews views = cluster();
    list(views, pods(1, 10), "20");
    CHECK(list(views, pods(1, 7), "5").empty());
    CHECK(views.kept_objects().at("edge-1") == 3);
    CHECK(size(views) == 10);
    CHECK(views.changed(pods(8, 8).front()).empty());
    CHECK(views.kept_objects().at("edge-1") == 2);
    CHECK(views.confirm("").size() == 2);
    CHECK(size(views) == 8);
    CHECK(views.kept_objects().empty());
}

TEST_CASE("cluster_views: one hold's end leaves what another one holds", "[views]") {
    ClusterViews views = cluster();
    views.read(machine("edge-2", "n2"));
    std::vector<json::Value> all = pods(1, 3);
    all.push_back(pod("other", "o", "edge-2"));
    list(views, all, "20");
    list(views, {}, "5");
    CHECK_FALSE(views.may_remove_surplus("edge-2", "old", 1));
    CHECK(views.confirm("").size() == 3);
    CHECK(views.kept_objects() == std::map<std::string, std::size_t>{{"edge-2", 1}});
    CHECK(views.confirm("edge-2").size() == 1);
    CHECK(views.kept_objects().empty());
}

TEST_CASE("cluster_views: a deletion seen on a watch is carried out even in a hold", "[views]") {
    ClusterViews views = cluster();
    list(views, pods(1, 10));
    list(views, pods(1, 2));
    CHECK(views.kept_objects().at("edge-1") == 8);
    CHECK(views.deleted(pods(1, 1).front()).size() == 1);
    CHECK(views.deleted(pods(3, 3).front()).size() == 1);
    CHECK(views.kept_objects().at("edge-1") == 7);
    CHECK(size(views) == 8);
}

TEST_CASE("cluster_views: a machine that remembers another Node keeps its surplus", "[views]") {
    ClusterViews views{RemovalHold()};
    views.changed(machine("edge-1", "n2"));
    CHECK(views.may_remove_surplus("edge-1", "n2", 4));
    CHECK_FALSE(views.may_remove_surplus("edge-1", "n1", 4));
    CHECK(views.kept_objects().at("edge-1") == 4);
    CHECK(views.confirm("edge-1").empty());
    CHECK(views.kept_objects().empty());
    CHECK(views.may_remove_surplus("edge-1", "n1", 4));
}

TEST_CASE("cluster_views: an object that is older than before shows a restored server", "[views]") {
    ClusterViews views = cluster();
    const auto at_version = [](const char* version, const char* more = "") {
        json::Value one = pod("p1", "u1", "edge-1", more);
        one["metadata"].set("resourceVersion", json::Value::of(version));
        return one;
    };
    list(views, {at_version("17")}, "20");
    list(views, {at_version("18")}, "21");
    CHECK(views.hold().api_epoch() == 0);
    list(views, {at_version("17")}, "22");
    CHECK(views.hold().api_epoch() == 1);
    CHECK(views.hold().holds("edge-1"));

    // The same version with a field that an upgraded server has filled in.
    list(views, {at_version("17", R"(,"schedulerName":"one")")}, "23");
    CHECK(views.hold().api_epoch() == 1);
    CHECK(views.view("edge-1").find({"Pod", "default", "p1"})->content.contains("one"));
    // The same version of another content, but not another object of that name.
    list(views, {at_version("17", R"(,"schedulerName":"other")")}, "24");
    CHECK(views.hold().api_epoch() == 2);
    list(views, {pod("p1", "u2", "edge-1")}, "25");
    CHECK(views.hold().api_epoch() == 2);
}

TEST_CASE("cluster_views: only machines and what they need are kept", "[views]") {
    ClusterViews views = cluster();
    CHECK(views.read(test::plain("Node", "other", "o1")).empty());
    CHECK(views.changed(pod("p", "u", "other", kSecret)).empty());
    CHECK(views.changed(test::plain("Secret", "s", "s1")).empty());
    CHECK(views.needed().size() == 0);
    CHECK_FALSE(views.knows("other"));
    CHECK(views.view("other").objects().empty());
}

TEST_CASE("cluster_views: Services are kept for the Pods that come later", "[views]") {
    ClusterViews views = cluster();
    CHECK(views.read(test::plain("Service", "web", "s1")).empty());
    CHECK(views.changed(pod("p", "u", "edge-1")).size() == 2);
    CHECK(views.view("edge-1").find({"Service", "default", "web"}) != nullptr);
    CHECK(views.deleted(test::plain("Service", "web", "s1")).size() == 1);
}

TEST_CASE("cluster_views: the Pods of a Node that becomes a machine are learned", "[views]") {
    ClusterViews views = cluster();
    CHECK(views.take_new_machines().empty());
    for (const char* name : {"p1", "p2", "p3"}) {
        views.changed(pod(name, "u", "edge-2"));
    }
    views.changed(machine("edge-2"));
    CHECK_FALSE(views.knows("edge-2"));
    const auto found = views.take_new_machines();
    REQUIRE(found.size() == 1);
    CHECK_FALSE(views.knows("edge-2"));
    // While they are listed one is deleted and one changes; the list may be older.
    views.deleted(pod("p1", "u", "edge-2"));
    views.changed(pod("p2", "u", "edge-2", R"(,"schedulerName":"new")"));
    std::vector<json::Value> pods;
    std::vector<const json::Value*> pointers;
    for (const char* name : {"p1", "p2", "p3"}) {
        pods.push_back(pod(name, "u", "edge-2"));
    }
    for (const json::Value& one : pods) {
        pointers.push_back(&one);
    }
    CHECK(views.learned(found.front(), pointers).size() == 1);
    CHECK(views.knows("edge-2"));
    CHECK(views.view("edge-2").find({"Pod", "default", "p1"}) == nullptr);
    CHECK(views.view("edge-2").find({"Pod", "default", "p2"})->content.contains("new"));
    CHECK(views.view("edge-2").find({"Pod", "default", "p3"}) != nullptr);
}

TEST_CASE("cluster_views: a list of all Pods makes what is being learned too old", "[views]") {
    ClusterViews views = cluster();
    views.changed(pod("p1", "u", "edge-2"));
    views.changed(machine("edge-2"));
    const auto found = views.take_new_machines();
    REQUIRE(found.size() == 1);
    list(views, {});
    const json::Value gone = pod("p1", "u", "edge-2");
    const std::vector pointers{&gone};
    CHECK(views.learned(found.front(), pointers).empty());
    const auto again = views.take_new_machines();
    REQUIRE(again.size() == 1);
    CHECK(views.learned(again.front(), {}).empty());
    CHECK(views.knows("edge-2"));
    CHECK(views.view("edge-2").objects().size() == 1);
}

TEST_CASE("cluster_views: a list does not remove what is newer than it", "[views]") {
    ClusterViews views = cluster();
    list(views, pods(1, 3));
    json::Value newer = pod("p9", "u9", "edge-1");
    newer["metadata"].set("resourceVersion", json::Value::of("12"));
    views.read(newer);
    CHECK(list(views, pods(1, 3), "11").empty());
    CHECK(size(views) == 4);
    CHECK(list(views, pods(1, 3), "12").size() == 1);
}

TEST_CASE(
    "cluster_views: what a Pod needs is fetched when it has changed or was listed", "[views]"
) {
    ClusterViews views = cluster();
    const ObjectKey secret{"Secret", "default", "s"};
    views.changed(pod("p", "u", "edge-1", kSecret));
    const auto fetch = [&] { return views.needed().take_due({}); };
    auto first = fetch();
    REQUIRE(first);
    CHECK(views.arrived(*first, test::plain("Secret", "s", "s1", "one")).size() == 2);
    views.changed(test::plain("Secret", "s", "s1"));  // In the version that has arrived.
    CHECK_FALSE(fetch());
    views.read(test::plain("Secret", "s", "s1"));
    const auto second = fetch();
    REQUIRE(second);
    // Gone before the answer, which must not bring it back.
    CHECK(views.deleted(test::plain("Secret", "s", "s1")).size() == 1);
    CHECK(views.arrived(*second, test::plain("Secret", "s", "s1")).empty());
    CHECK(views.view("edge-1").find(secret) == nullptr);
    CHECK_FALSE(fetch());
}

TEST_CASE("cluster_views: the same version with another body shows a restored server", "[views]") {
    ClusterViews views = cluster();
    views.changed(pod("p", "u", "edge-1", kSecret));
    views.arrived(*views.needed().take_due({}), test::plain("Secret", "s", "s1", "one"));
    views.read(test::plain("Secret", "s", "s1"));
    CHECK(views.hold().api_epoch() == 0);
    views.arrived(*views.needed().take_due({}), test::plain("Secret", "s", "s1", "two"));
    CHECK(views.hold().api_epoch() == 1);
}
