// SPDX-License-Identifier: Apache-2.0
//
// Where a command finds the Kubernetes API that it works through: the one that a kubeconfig names, else
// that of the standalone cloudcore with that data folder, else that of the cluster which a serving
// cloudcore would find, so that the commands work in its Pod.
#pragma once

#include "common/config/command_line.hpp"
#include "common/kubeapi/kube_client.hpp"

#include <functional>
#include <string>

namespace farhold::cloud {

class ApiOfCommand {
public:
    // What a command prints, or why it could not.
    using Work = std::function<Task<Result<std::string>>(kubeapi::KubeObjects&)>;

    void declare(config::Command& command);
    // Returns the exit code.
    [[nodiscard]] int run(const Work& work) const;

private:
    std::string data_dir_ = "/var/lib/farhold/cloud";
    std::string kubeconfig_;
};

}  // namespace farhold::cloud
