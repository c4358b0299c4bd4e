// SPDX-License-Identifier: Apache-2.0
//
// Pure: what roles grant, against what was asked for as an API server's audit log tells it. Nothing may
// be denied, and nothing granted in vain.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::test {

// One verb on one resource, as a rule allows it or a request asks for it.
struct Access {
    std::string verb;
    std::string group;
    std::string resource;  // With its subresource: "pods/status".
    std::string ns;        // Of a rule, empty: everywhere.
    std::string name;      // Of a rule, empty: any.

    auto operator<=>(const Access&) const = default;
    std::string text() const;
};

// Each of a Role's or ClusterRole's rules by itself.
std::vector<Access> accesses_of(const json::Value& role);

struct RuleUse {
    std::vector<std::string> denied;  // Asked for by the user and forbidden.
    std::vector<std::string> unused;  // Granted and never asked for.
    std::size_t requests = 0;         // Of the user.
};

// `audit` has one event of audit.k8s.io/v1 a line. invalid_argument when one cannot be read.
Result<RuleUse> compare_use(
    const std::vector<Access>& granted, std::string_view audit, std::string_view user
);

}  // namespace farhold::test
