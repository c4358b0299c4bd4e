// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a definition's status says: which names it got, whether it is served, how far its
// deletion is.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "common/kubeschema/registry.hpp"

#include <string_view>

namespace farhold::kubecrd {

inline constexpr std::string_view kCleanup = "customresourcecleanup.apiextensions.k8s.io";

struct Condition {
    std::string_view type;
    bool status = false;
    std::string_view reason;
    std::string_view message;
};

void set_condition(json::Value& definition, const Condition& condition, WallTime now);

// Accepts the definition's names, all that no other type of its group in the registry has.
void accept_names(json::Value& definition, const kubeschema::Registry& registry, WallTime now);

// What comes after: served, when all names were accepted.
void establish(json::Value& definition, WallTime now);

bool is_established(const json::Value& definition);

}  // namespace farhold::kubecrd
