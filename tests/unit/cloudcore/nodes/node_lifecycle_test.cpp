// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/nodes/node_lifecycle.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;
using namespace farhold::nodes;
using namespace std::chrono_literals;

namespace {

json::Value parse(const std::string& text) {
    auto value = json::Value::parse(text);
    REQUIRE(value);
    return *value;
}

json::Value node(
    const std::string& ready, const std::string& heartbeat, const std::string& taints
) {
    return parse(
        R"({"metadata":{"name":"n","resourceVersion":"5"},"spec":{"taints":)" + taints +
        R"(},"status":{"conditions":[{"type":"Ready","status":")" + ready +
        R"(","lastHeartbeatTime":")" + heartbeat + R"("}]}})"
    );
}

json::Value lease(const std::string& renewed) {
    return parse(R"({"spec":{"renewTime":")" + renewed + R"("}})");
}

Now at(Duration since) {
    // The wall clock of these tests runs wild: it must decide nothing.
    return {.mono = Instant(since), .wall = WallTime(since * 1000)};
}

const std::string kUnreachableTaints =
    R"([{"key":"node.kubernetes.io/unreachable","effect":"NoSchedule"},)"
    R"({"key":"node.kubernetes.io/unreachable","effect":"NoExecute"}])";

}  // namespace

TEST_CASE("node lifecycle: a node whose Lease moves stays as it is", "[nodes]") {
    NodeLifecycle lifecycle;
    lifecycle.node_changed("n", node("True", "t0", "[]"), at(0s));
    for (int i = 0; i < 100; ++i) {
        lifecycle.lease_changed("n", lease(std::to_string(i)), at(10s * i));
        CHECK(lifecycle.due(at(10s * i + 9s)).empty());
    }
}

TEST_CASE(
    "node lifecycle: silence for the grace turns all conditions Unknown and taints", "[nodes]"
) {
    NodeLifecycle lifecycle;
    lifecycle.node_changed("n", node("True", "t0", "[]"), at(0s));
    lifecycle.lease_changed("n", lease("a"), at(10s));
    CHECK(lifecycle.next_deadline() == at(60s).mono);
    CHECK(lifecycle.due(at(60s - 1ns)).empty());
    // The same renewTime seen again is no heartbeat.
    lifecycle.lease_changed("n", lease("a"), at(59s));
    const auto changes = lifecycle.due(at(60s));
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].became_unreachable);
    REQUIRE(changes[0].status_patch);
    const json::Value* conditions = changes[0].status_patch->at_path({"status", "conditions"});
    REQUIRE(conditions->array().size() == 4);
    for (const json::Value& one : conditions->array()) {
        CHECK(one.text_at({"status"}) == "Unknown");
    }
    CHECK(conditions->array()[0].text_at({"reason"}) == "NodeStatusUnknown");
    REQUIRE(changes[0].spec_patch);
    CHECK(changes[0].spec_patch->at_path({"spec", "taints"})->array().size() == 2);
    CHECK(changes[0].spec_patch->text_at({"metadata", "resourceVersion"}) == "5");
}

TEST_CASE("node lifecycle: a status posted again frees the node at once", "[nodes]") {
    NodeLifecycle lifecycle;
    lifecycle.node_changed("n", node("Unknown", "t0", kUnreachableTaints), at(0s));
    CHECK(lifecycle.due(at(100s)).empty());
    lifecycle.node_changed("n", node("True", "t1", kUnreachableTaints), at(101s));
    const auto changes = lifecycle.due(at(101s));
    REQUIRE(changes.size() == 1);
    CHECK_FALSE(changes[0].status_patch);
    REQUIRE(changes[0].spec_patch);
    CHECK(changes[0].spec_patch->at_path({"spec", "taints"})->is_null());
}

TEST_CASE("node lifecycle: a machine that says it is not ready is tainted so", "[nodes]") {
    NodeLifecycle lifecycle;
    const std::string own = R"([{"key":"mine","effect":"NoSchedule"}])";
    lifecycle.node_changed("n", node("False", "t0", own), at(0s));
    const auto changes = lifecycle.due(at(1s));
    REQUIRE(changes.size() == 1);
    const json::Value* taints = changes[0].spec_patch->at_path({"spec", "taints"});
    REQUIRE(taints->array().size() == 3);
    CHECK(taints->array()[0].text_at({"key"}) == "mine");
    CHECK(taints->array()[1].text_at({"key"}) == "node.kubernetes.io/not-ready");
}

TEST_CASE("node lifecycle: a restarted cloudcore grants the whole grace anew", "[nodes]") {
    NodeLifecycle lifecycle;
    lifecycle.lease_changed("n", lease("old"), at(1000s));
    lifecycle.node_changed("n", node("True", "long ago", "[]"), at(1000s));
    CHECK(lifecycle.due(at(1049s)).empty());
    CHECK(lifecycle.due(at(1050s)).size() == 1);
    lifecycle.node_removed("n");
    CHECK(lifecycle.due(at(2000s)).empty());
}
