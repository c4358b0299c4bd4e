// SPDX-License-Identifier: Apache-2.0
#include "common/pki/node_identity.hpp"

namespace farhold::pki {

namespace {

constexpr std::string_view kScheme = "farhold://";
constexpr std::string_view kNodePart = "/node/";

bool is_plain(std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") ==
                                std::string_view::npos;
}

}  // namespace

std::string to_uri(const NodeIdentity& identity) {
    return std::string(kScheme) + identity.cluster_uid + std::string(kNodePart) + identity.node;
}

std::optional<NodeIdentity> parse_node_uri(std::string_view uri) {
    if (!uri.starts_with(kScheme)) {
        return std::nullopt;
    }
    uri.remove_prefix(kScheme.size());
    const auto at = uri.find(kNodePart);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view cluster = uri.substr(0, at);
    const std::string_view node = uri.substr(at + kNodePart.size());
    if (!is_plain(cluster) || !is_plain(node)) {
        return std::nullopt;
    }
    return NodeIdentity{std::string(cluster), std::string(node)};
}

}  // namespace farhold::pki
