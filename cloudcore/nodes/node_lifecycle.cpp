// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/nodes/node_lifecycle.hpp"

#include "common/object/time_text.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace farhold::nodes {

namespace {

constexpr std::string_view kUnreachable = "node.kubernetes.io/unreachable";
constexpr std::string_view kNotReady = "node.kubernetes.io/not-ready";
constexpr std::array<std::string_view, 4> kWatched = {
    "Ready", "MemoryPressure", "DiskPressure", "PIDPressure"
};

const json::Value* condition(const json::Value& node, std::string_view type) {
    for (const json::Value& one : node.elements_at({"status", "conditions"})) {
        if (one.text_at({"type"}) == type) return &one;
    }
    return nullptr;
}

bool is_lifecycle_taint(const json::Value& taint) {
    const auto key = taint.text_at({"key"});
    return key == kUnreachable || key == kNotReady;
}

json::Value make_taint(std::string_view key, std::string_view effect, std::string_view since) {
    json::Value taint = json::Value::make_object();
    taint.set("key", json::Value::of(key));
    taint.set("effect", json::Value::of(effect));
    taint.set("timeAdded", json::Value::of(since));
    return taint;
}

// All conditions of a silent machine, turned Unknown. `conditions` is replaced as a whole, which a
// merge patch does with lists; those of other owners are kept.
json::Value unknown_conditions(const json::Value& node, std::string_view time) {
    json::Value conditions = json::Value::make_array();
    for (const json::Value& one : node.elements_at({"status", "conditions"})) {
        const bool watched = std::ranges::find(kWatched, one.text_at({"type"})) != kWatched.end();
        json::Value& copy = conditions.array().emplace_back(one);
        if (!watched) continue;
        if (one.text_at({"status"}) != "Unknown") {
            copy.set("lastTransitionTime", json::Value::of(time));
        }
        copy.set("status", json::Value::of("Unknown"));
        copy.set("reason", json::Value::of("NodeStatusUnknown"));
        copy.set("message", json::Value::of("Kubelet stopped posting node status."));
    }
    for (const std::string_view type : kWatched) {
        if (condition(node, type) != nullptr) continue;
        json::Value missing = json::Value::make_object();
        missing.set("type", json::Value::of(type));
        missing.set("status", json::Value::of("Unknown"));
        missing.set("reason", json::Value::of("NodeStatusNeverUpdated"));
        missing.set("message", json::Value::of("Kubelet never posted node status."));
        missing.set("lastTransitionTime", json::Value::of(time));
        conditions.array().push_back(std::move(missing));
    }
    return conditions;
}

// Both patches name the version they were made of: a machine that posts its status meanwhile wins,
// and what is due is decided again from what it said.
json::Value make_patch(const json::Value& node) {
    json::Value patch = json::Value::make_object();
    patch.ensure_path({"metadata"})
        .set("resourceVersion", json::Value::of(node.text_at({"metadata", "resourceVersion"})));
    return patch;
}

// Ready=True has no taint, False is not-ready, Unknown is unreachable; both effects each.
std::optional<json::Value> taints_patch(
    const json::Value& node, std::string_view ready, std::string_view time
) {
    const std::string_view key =
        ready == "True" ? "" : (ready == "Unknown" ? kUnreachable : kNotReady);
    json::Value wanted = json::Value::make_array();
    bool right = true;
    for (const json::Value& taint : node.elements_at({"spec", "taints"})) {
        if (is_lifecycle_taint(taint)) {
            if (taint.text_at({"key"}) != key) {
                right = false;
                continue;
            }
        }
        wanted.array().push_back(taint);
    }
    for (const std::string_view effect : {"NoSchedule", "NoExecute"}) {
        if (key.empty()) break;
        const bool there = std::ranges::any_of(wanted.array(), [&](const json::Value& taint) {
            return taint.text_at({"key"}) == key && taint.text_at({"effect"}) == effect;
        });
        if (there) continue;
        right = false;
        wanted.array().push_back(make_taint(key, effect, time));
    }
    if (right) return std::nullopt;
    json::Value patch = make_patch(node);
    patch.ensure_path({"spec"}).set(
        "taints", wanted.array().empty() ? json::Value() : std::move(wanted)
    );
    return patch;
}

}  // namespace

void NodeLifecycle::node_changed(const std::string& name, const json::Value& node, Now now) {
    const auto [found, is_new] = nodes_.try_emplace(name);
    State& state = found->second;
    const json::Value* ready = condition(node, "Ready");
    std::string heartbeat(ready == nullptr ? "" : ready->text_at({"lastHeartbeatTime"}));
    if (is_new) {
        state.last_seen = now.mono;
        if (const auto lease = early_leases_.extract(name)) state.last_renew_time = lease.mapped();
    } else if (heartbeat != state.last_heartbeat_time) {
        state.last_seen = now.mono;
    }
    state.last_heartbeat_time = std::move(heartbeat);
    state.node = node;
}

void NodeLifecycle::node_removed(const std::string& name) {
    nodes_.erase(name);
}

void NodeLifecycle::lease_changed(const std::string& name, const json::Value& lease, Now now) {
    std::string renewed(lease.text_at({"spec", "renewTime"}));
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) {
        early_leases_[name] = std::move(renewed);
        return;
    }
    if (renewed == found->second.last_renew_time) return;
    found->second.last_renew_time = std::move(renewed);
    found->second.last_seen = now.mono;
}

std::vector<NodeChange> NodeLifecycle::due(Now now) const {
    std::vector<NodeChange> changes;
    const std::string time = object::format_time(now.wall);
    for (const auto& [name, state] : nodes_) {
        const json::Value* ready_condition = condition(state.node, "Ready");
        std::string ready(
            ready_condition == nullptr ? "Unknown" : ready_condition->text_at({"status"})
        );
        NodeChange change;
        change.node = name;
        const bool silent = now.mono - state.last_seen >= kMonitorGrace;
        if (silent && (ready != "Unknown" || ready_condition == nullptr)) {
            json::Value patch = make_patch(state.node);
            patch.ensure_path({"status"}).set("conditions", unknown_conditions(state.node, time));
            change.status_patch = std::move(patch);
            change.became_unreachable = ready == "True";
            ready = "Unknown";
        } else if (ready_condition == nullptr) {
            ready = "False";  // Registered a moment ago, its first status is on the way.
        }
        change.spec_patch = taints_patch(state.node, ready, time);
        if (change.status_patch || change.spec_patch) changes.push_back(std::move(change));
    }
    return changes;
}

std::optional<Instant> NodeLifecycle::next_deadline() const {
    std::optional<Instant> next;
    for (const auto& [name, state] : nodes_) {
        const json::Value* ready = condition(state.node, "Ready");
        if (ready != nullptr && ready->text_at({"status"}) == "Unknown") continue;
        const Instant deadline = state.last_seen + kMonitorGrace;
        if (!next || deadline < *next) next = deadline;
    }
    return next;
}

}  // namespace farhold::nodes
