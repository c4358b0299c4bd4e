// SPDX-License-Identifier: Apache-2.0
//
// Pure: the removal hold as it stands in the Kubernetes API, ConfigMap
// kube-system/farhold-removal-hold. Whoever wants what is held to be removed annotates it with
// farhold.io/confirm=NAME[,NAME...], where a NAME is "cluster" or "node/NODE"; the hub takes the
// annotation away when it has done so.
#pragma once

#include "cloudcore/views/removal_hold.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/json/value.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::views {

inline constexpr std::string_view kHoldNamespace = "kube-system";
inline constexpr std::string_view kHoldName = "farhold-removal-hold";
inline constexpr std::string_view kConfirmAnnotation = "farhold.io/confirm";

// What people call a scope of RemovalHold, and back; nullopt: no such name.
std::string scope_name(std::string_view scope);
std::optional<std::string> scope_named(std::string_view name);

using ObjectsByMachine = std::map<std::string, std::size_t>;

// One hold as people are shown it.
struct HeldRemovals {
    std::string name;
    std::string reason;
    std::optional<WallTime> since;
    ObjectsByMachine machines;  // How many objects each of them keeps because of it.
};

json::Value make_hold_map();
// An unreadable record is an error and not an empty hold; a map without one is empty.
Result<RemovalHold> read_hold(const json::Value& map);
Result<std::vector<HeldRemovals>> read_held_removals(const json::Value& map);
void write_hold(json::Value& map, const RemovalHold& hold, const ObjectsByMachine& kept);

// The names that wait to be confirmed.
std::vector<std::string> confirmed_names(const json::Value& map);
// None takes the annotation away.
void set_confirmed_names(json::Value& map, const std::vector<std::string>& names);

}  // namespace farhold::views
