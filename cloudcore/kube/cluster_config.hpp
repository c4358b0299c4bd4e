// SPDX-License-Identifier: Apache-2.0
//
// Which cluster we are beside, as kubectl and every controller look for it: the file that is named,
// else those in $KUBECONFIG, of which some may be missing, else the ServiceAccount of the Pod that we
// run in.
#pragma once

#include "common/base/error.hpp"
#include "common/kubeconfig/kubeconfig.hpp"

#include <functional>
#include <optional>
#include <string>

namespace farhold::kube {

// nullopt: not set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);

struct ClusterConfig {
    std::string source;  // Files or "in-cluster", for people.
    kubeconfig::Kubeconfig kubeconfig;
};

// `kubeconfig` is the path that was given, or empty.
// Errors: not_found when there is none anywhere, invalid_argument naming file and field.
Result<ClusterConfig> find_cluster(
    const std::string& kubeconfig, const Environment& environment = process_environment
);

}  // namespace farhold::kube
