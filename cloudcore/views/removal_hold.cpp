// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/removal_hold.hpp"

#include "common/json/value.hpp"
#include "common/object/time_text.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace farhold::views {
namespace {

const std::string kCluster(RemovalHold::kWholeCluster);

}  // namespace

std::uint64_t version_number(std::string_view resource_version) {
    std::uint64_t number = 0;
    std::from_chars(
        resource_version.data(), resource_version.data() + resource_version.size(), number
    );
    return number;
}

Result<RemovalHold> RemovalHold::decode(std::string_view text) {
    const auto record = json::Value::parse(text);
    if (!record) {
        return fail(record.error().within("removal hold"));
    }
    const json::Value* held = record->find("held");
    const json::Value* confirmed = record->find("confirmed");
    if (held == nullptr || !held->is_object() || confirmed == nullptr || !confirmed->is_object()) {
        return fail(ErrorCode::corrupt, "removal hold: not a record of ours");
    }
    RemovalHold hold;
    hold.cluster_uid_ = record->text_at({"clusterUid"});
    hold.api_epoch_ = static_cast<std::uint64_t>(record->integer_at({"apiEpoch"}));
    for (const json::Member& member : held->object()) {
        const auto since = object::parse_time(member.value.text_at({"since"}));
        hold.held_[member.key] = Held{
            std::string(member.value.text_at({"reason"})),
            std::string(member.value.text_at({"nodeUid"})),
            since ? std::optional(*since) : std::nullopt
        };
    }
    for (const json::Member& member : confirmed->object()) {
        hold.confirmed_[member.key] = member.value.string().value_or("");
    }
    return hold;
}

std::string RemovalHold::encode() const {
    json::Value record = json::Value::make_object();
    record.set("clusterUid", json::Value::of(cluster_uid_));
    record.set("apiEpoch", json::Value::of(api_epoch_));
    json::Value& held = record.set("held", json::Value::make_object());
    for (const auto& [scope, one] : held_) {
        json::Value& entry = held.set(scope, json::Value::make_object());
        entry.set("reason", json::Value::of(one.reason));
        entry.set("nodeUid", json::Value::of(one.node_uid));
        if (one.since) entry.set("since", json::Value::of(object::format_time(*one.since)));
    }
    json::Value& confirmed = record.set("confirmed", json::Value::make_object());
    for (const auto& [node, uid] : confirmed_) {
        confirmed.set(node, json::Value::of(uid));
    }
    return record.dump();
}

void RemovalHold::list_seen(
    const std::string& cluster_uid, const std::string& kind, std::string_view resource_version
) {
    const std::uint64_t version = version_number(resource_version);
    if (!cluster_uid_.empty() && cluster_uid_ != cluster_uid) {
        doubt("this is another cluster than before");
    } else if (version < versions_[kind]) {
        went_back();
    }
    cluster_uid_ = cluster_uid;
    versions_[kind] = version;
}

void RemovalHold::went_back() {
    doubt("the cluster went back in time");
}

void RemovalHold::doubt(std::string reason) {
    held_.try_emplace(kCluster, Held{std::move(reason), {}, {}});
    ++api_epoch_;
    versions_.clear();  // The other kinds went back as well.
}

void RemovalHold::change_seen(const std::string& kind, std::string_view resource_version) {
    std::uint64_t& version = versions_[kind];
    version = std::max(version, version_number(resource_version));
}

bool RemovalHold::may_remove(std::size_t missing_pods, std::size_t known_pods) {
    const bool too_many =
        missing_pods > kHoldPodsMin && missing_pods * 100 > known_pods * kHoldPercent;
    if (too_many) {
        held_.try_emplace(kCluster, Held{"too many Pods vanished at once", {}, {}});
    }
    return !held_.contains(kCluster);
}

bool RemovalHold::may_remove(
    const std::string& node, std::string_view held_node_uid, std::string_view known_node_uid
) {
    const auto confirmed = confirmed_.find(node);
    const bool doubt = !held_node_uid.empty() && held_node_uid != known_node_uid &&
                       (confirmed == confirmed_.end() || confirmed->second != held_node_uid);
    if (doubt) {
        held_.try_emplace(
            node, Held{"the machine remembers another Node object", std::string(held_node_uid), {}}
        );
    }
    return !holds(node);
}

bool RemovalHold::holds(const std::string& node) const {
    return held_.contains(kCluster) || held_.contains(node);
}

void RemovalHold::date(WallTime now) {
    for (auto& [scope, held] : held_) {
        if (!held.since) held.since = std::chrono::floor<std::chrono::seconds>(now);
    }
}

bool RemovalHold::confirm(const std::string& scope) {
    const auto held = held_.find(scope);
    if (held == held_.end()) {
        return false;
    }
    if (!scope.empty()) {
        confirmed_[scope] = held->second.node_uid;
    }
    held_.erase(held);
    return true;
}

}  // namespace farhold::views
