// SPDX-License-Identifier: Apache-2.0
//
// Pure: which labels and taints a machine may give its own Node when it joins: what Kubernetes lets a
// kubelet choose (its NodeRestriction plugin), less what the hub sets itself. Used by both ends, so
// that a person reads the complaint before anything is sent, and a machine cannot do without it.
#pragma once

#include "common/base/error.hpp"
#include "common/object/names.hpp"

#include <string>
#include <string_view>

namespace farhold::object {

// Syntax included.
Complaint check_machine_label(std::string_view key, std::string_view value);

struct Taint {
    std::string key;
    std::string value;   // May be empty.
    std::string effect;  // "NoSchedule", "PreferNoSchedule", "NoExecute"

    bool operator==(const Taint&) const = default;
};

Complaint check_taint(const Taint& taint);

// "KEY=VALUE:EFFECT" or "KEY:EFFECT". Errors (invalid_argument) name the text.
Result<Taint> parse_taint(std::string_view text);

}  // namespace farhold::object
