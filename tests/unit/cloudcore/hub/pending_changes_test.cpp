// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/pending_changes.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/view_builder.hpp"

using namespace farhold;
using namespace farhold::test;
using hub::PendingChanges;

namespace {

const object::ObjectKey kA{"ConfigMap", "default", "a"};
const object::ObjectKey kB{"ConfigMap", "default", "b"};
const object::ObjectKey kPod{"Pod", "default", "p"};

Cluster cluster_with(std::size_t bytes_of_a) {
    Cluster cluster;
    put(cluster.views, node_object());
    put(cluster.views, pod_object("p", "pod-uid"));
    put(cluster.views, config_map("a", "a1", std::string(bytes_of_a, 'x')));
    put(cluster.views, config_map("b", "b1", ""));
    return cluster;
}

tunnel::Batch take(
    PendingChanges& pending, const Cluster& cluster, std::size_t room = tunnel::kBatchWindowBytes,
    bool alone = true
) {
    tunnel::Batch batch;
    pending.take(cluster.view(), room, alone, batch);
    return batch;
}

}  // namespace

TEST_CASE("pending_changes: pods come after what they refer to", "[pending_changes]") {
    const Cluster cluster = cluster_with(1);
    PendingChanges pending;
    pending.upsert(kPod);
    pending.upsert({"Node", "", kNode});
    pending.upsert(kB);
    pending.upsert(kA);
    const auto batch = take(pending, cluster);
    REQUIRE(batch.upserts.size() == 4);
    CHECK(batch.upserts[0].key == kA);
    CHECK(batch.upserts[3].key == kPod);
    CHECK(batch.upserts[3].uid == "pod-uid");
    CHECK(pending.empty());
}

TEST_CASE("pending_changes: the newest content is sent, once", "[pending_changes]") {
    Cluster cluster = cluster_with(1);
    PendingChanges pending;
    pending.upsert(kA);
    put(cluster.views, config_map("a", "a1", "newest"));
    pending.upsert(kA);
    const auto batch = take(pending, cluster);
    REQUIRE(batch.upserts.size() == 1);
    CHECK(batch.upserts[0].content->find("newest") != std::string::npos);
}

TEST_CASE("pending_changes: every uid that the machine may hold is removed", "[pending_changes]") {
    Cluster cluster = cluster_with(1);
    PendingChanges pending;
    // The machine holds a1; a2 takes its place and goes before there was room.
    pending.remove(kA, "a1");
    pending.upsert(kA);
    pending.remove(kA, "a2");
    pending.remove(kA, "a2");
    cluster.views.remove(kA, "a1");
    const auto batch = take(pending, cluster);
    CHECK(batch.upserts.empty());
    CHECK(batch.removals == std::vector<tunnel::Removal>{{kA, "a1"}, {kA, "a2"}});
}

TEST_CASE(
    "pending_changes: an object that came back is sent instead of removed", "[pending_changes]"
) {
    Cluster cluster = cluster_with(1);
    PendingChanges pending;
    pending.remove(kA, "a0");
    const auto batch = take(pending, cluster);
    CHECK(batch.removals.empty());
    CHECK(batch.upserts.at(0).uid == "a1");
}

TEST_CASE("pending_changes: what came and went unseen is not mentioned", "[pending_changes]") {
    const Cluster cluster = cluster_with(1);
    PendingChanges pending;
    pending.upsert({"ConfigMap", "default", "unknown"});
    const auto batch = take(pending, cluster);
    CHECK(batch.upserts.empty());
    CHECK(batch.removals.empty());
    CHECK(pending.empty());
}

TEST_CASE("pending_changes: room is kept to the byte", "[pending_changes]") {
    const Cluster cluster = cluster_with(1000);
    PendingChanges pending;
    pending.upsert(kA);
    pending.upsert(kB);
    const auto size_a = tunnel::size_of(take(pending, cluster, 1, true));  // Alone, so it goes.
    REQUIRE(pending.size() == 1);
    pending.upsert(kA);
    CHECK(take(pending, cluster, size_a - 1, false).upserts.empty());
    CHECK(pending.size() == 2);
    CHECK(take(pending, cluster, size_a, false).upserts.size() == 1);
    CHECK(take(pending, cluster).upserts.size() == 1);
}

TEST_CASE(
    "pending_changes: what has vanished does not keep a large object from going alone",
    "[pending_changes]"
) {
    const Cluster cluster = cluster_with(1000);
    PendingChanges pending;
    pending.upsert({"ConfigMap", "another", "vanished"});
    pending.upsert(kA);
    CHECK(take(pending, cluster, 1, true).upserts.size() == 1);
}
