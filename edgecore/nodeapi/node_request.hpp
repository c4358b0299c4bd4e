// SPDX-License-Identifier: Apache-2.0
//
// Pure: what is asked of a kubelet, from the target of a request.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "edgecore/nodeapi/log_lines.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::nodeapi {

// Percent-decoded, in the order of the query; a key may repeat.
using Query = std::vector<std::pair<std::string, std::string>>;

struct NodeRequest {
    std::vector<std::string> path;  // Its segments, percent-decoded, without empty ones.
    Query query;

    [[nodiscard]] std::string_view parameter(std::string_view key) const;
    [[nodiscard]] bool flag(std::string_view key) const;
};

Result<NodeRequest> parse_node_request(std::string_view target);

// "/exec/{namespace}/{pod}[/{uid}]/{container}" and the like.
struct ContainerAddress {
    std::string ns;
    std::string pod;
    std::string uid;  // Empty: whichever pod has the name.
    std::string container;
};
// Nothing when the path has another form.
std::optional<ContainerAddress> container_address(const std::vector<std::string>& path);
// The same without the container: "/portForward/{namespace}/{pod}[/{uid}]".
std::optional<ContainerAddress> pod_address(const std::vector<std::string>& path);

// `now` is what sinceSeconds counts back from.
Result<LogOptions> parse_log_options(const NodeRequest& request, WallTime now);

}  // namespace farhold::nodeapi
