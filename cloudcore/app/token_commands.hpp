// SPDX-License-Identifier: Apache-2.0
//
// `cloudcore token create | list | revoke`: speaks to a running cloudcore's API with the kubeconfig
// of its data folder, or to the cluster that a kubeconfig names.
#pragma once

#include "common/base/time.hpp"
#include "common/config/command_line.hpp"

#include <cstdint>
#include <string>

namespace farhold::cloud {

class TokenCommands {
public:
    // Adds the commands to `root`; must outlive CommandLine::run.
    explicit TokenCommands(config::Command& root);
    TokenCommands(const TokenCommands&) = delete;
    TokenCommands& operator=(const TokenCommands&) = delete;

private:
    void declare_api(config::Command& command);
    int create() const;
    int list() const;
    int revoke() const;

    std::string data_dir_ = "/var/lib/farhold/cloud";
    std::string kubeconfig_;
    Duration ttl_ = std::chrono::hours(24);
    std::int64_t uses_ = 1;
    std::string node_;
    std::string id_;
};

}  // namespace farhold::cloud
