// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a pod, with the status that this machine reports, says of one of its containers. Words
// and cases are kubelet's, since kubectl shows them to people.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::nodeapi {

// Null when the pod has no such container.
const json::Value* find_container_spec(const json::Value& pod, std::string_view name);
// Null when there is no status of it yet.
const json::Value* find_container_status(const json::Value& pod, std::string_view name);

// One run of a container.
struct Instance {
    std::uint32_t attempt = 0;
    std::string id;  // "containerd://..."
};
// Whose log is meant: the newest one that has begun, or the one before it.
Result<Instance> choose_log(const json::Value& pod, std::string_view container, bool previous);

// Whether that run has not ended.
bool is_running(const json::Value& pod, std::string_view container, const Instance& instance);

}  // namespace farhold::nodeapi
