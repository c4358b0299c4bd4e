// SPDX-License-Identifier: Apache-2.0
//
// `cloudcore token create | list | revoke`.
#pragma once

#include "cloudcore/app/api_of_command.hpp"
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
    int create() const;
    int list() const;
    int revoke() const;

    ApiOfCommand api_;
    Duration ttl_ = std::chrono::hours(24);
    std::int64_t uses_ = 1;
    std::string node_;
    std::string id_;
};

}  // namespace farhold::cloud
