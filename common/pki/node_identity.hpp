// SPDX-License-Identifier: Apache-2.0
//
// Pure: the identity of a machine, as the URI in its certificate:
// farhold://<cluster uid>/node/<node name>
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace farhold::pki {

struct NodeIdentity {
    std::string cluster_uid;
    std::string node;

    bool operator==(const NodeIdentity&) const = default;
};

std::string to_uri(const NodeIdentity& identity);
std::optional<NodeIdentity> parse_node_uri(std::string_view uri);

}  // namespace farhold::pki
