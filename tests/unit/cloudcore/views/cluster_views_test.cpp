// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/cluster_views.hpp"

#include "tests/support/catch.hpp"
#include "view_objects.hpp"

using namespace farhold;
using namespace farhold::views;
using object::ObjectKey;
using test::pod;

namespace {

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
    std::vector<const json::Value*> pointers;
    for (const json::Value& object : objects) {
        pointers.push_back(&object);
    }
    const ListedKind listed{"Pod", std::move(cluster), std::move(version), complete};
    return views.listed(listed, pointers);
}

std::size_t size(ClusterViews& views) {
    return views.view("edge-1").objects().size();
}

}  // namespace

TEST_CASE("cluster_views: a complete relist removes what it lacks", "[views]") {
    ClusterViews views{RemovalHold()};
    CHECK(list(views, pods(1, 10)).size() == 10);
    const ViewChanges changes = list(views, pods(2, 10));
    CHECK(changes == ViewChanges{{"edge-1", ObjectKey{"Pod", "default", "p1"}, "u1"}});
    CHECK(size(views) == 9);
}

TEST_CASE("cluster_views: a partial list never removes", "[views]") {
    ClusterViews views{RemovalHold()};
    list(views, pods(1, 10));
    CHECK(list(views, pods(4, 4), "11", false).empty());
    CHECK(size(views) == 10);
    CHECK(views.held_objects() == 0);
}

TEST_CASE("cluster_views: a list of one kind says nothing of another", "[views]") {
    ClusterViews views{RemovalHold()};
    list(views, pods(1, 2));
    const ListedKind secrets{"Secret", "c", "11", true};
    CHECK(views.listed(secrets, {}).empty());
    CHECK(size(views) == 2);
}

TEST_CASE("cluster_views: what is held stays until it is confirmed or comes back", "[views]") {
    ClusterViews views{RemovalHold()};
    list(views, pods(1, 10), "20");
    CHECK(list(views, pods(1, 7), "5").empty());
    CHECK(views.held_objects() == 3);
    CHECK(size(views) == 10);
    CHECK(views.changed(pods(8, 8).front()).empty());
    CHECK(views.held_objects() == 2);
    CHECK(views.confirm("").size() == 2);
    CHECK(size(views) == 8);
    CHECK(views.held_objects() == 0);
}

TEST_CASE("cluster_views: a deletion seen on a watch is carried out even in a hold", "[views]") {
    ClusterViews views{RemovalHold()};
    list(views, pods(1, 10));
    list(views, pods(1, 2));
    CHECK(views.held_objects() == 8);
    CHECK(views.deleted(pods(1, 1).front()).size() == 1);
    CHECK(views.deleted(pods(3, 3).front()).size() == 1);
    CHECK(views.held_objects() == 7);
    CHECK(size(views) == 8);
}

TEST_CASE("cluster_views: a machine that remembers another Node keeps its surplus", "[views]") {
    ClusterViews views{RemovalHold()};
    views.changed(test::plain("Node", "edge-1", "n2"));
    CHECK(views.may_remove_surplus("edge-1", "n2"));
    CHECK_FALSE(views.may_remove_surplus("edge-1", "n1"));
    CHECK(views.confirm("edge-1").empty());
    CHECK(views.may_remove_surplus("edge-1", "n1"));
}

TEST_CASE("cluster_views: an object that is older than before shows a restored server", "[views]") {
    ClusterViews views{RemovalHold()};
    const auto at_version = [](const char* version) {
        json::Value one = pod("p1", "u1", "edge-1");
        one["metadata"].set("resourceVersion", json::Value::of(version));
        return one;
    };
    list(views, {at_version("17")}, "20");
    list(views, {at_version("18")}, "21");
    CHECK(views.hold().api_epoch() == 0);
    list(views, {at_version("17")}, "22");
    CHECK(views.hold().api_epoch() == 1);
    CHECK(views.hold().holds("edge-1"));

    // The same version of another content, but not another object of that name.
    json::Value other = pod("p1", "u1", "edge-1", R"(,"schedulerName":"other")");
    other["metadata"].set("resourceVersion", json::Value::of("17"));
    list(views, {other}, "23");
    CHECK(views.hold().api_epoch() == 2);
    list(views, {pod("p1", "u2", "edge-1")}, "24");
    CHECK(views.hold().api_epoch() == 2);
}
