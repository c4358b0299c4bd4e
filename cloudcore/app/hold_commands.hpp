// SPDX-License-Identifier: Apache-2.0
//
// `cloudcore holds list | confirm`: removals that wait for a person (views/removal_hold.hpp), and the
// word that what is missing is gone indeed.
#pragma once

#include "cloudcore/app/api_of_command.hpp"
#include "common/config/command_line.hpp"

#include <string>
#include <vector>

namespace farhold::cloud {

class HoldCommands {
public:
    // Adds the commands to `root`; must outlive CommandLine::run.
    explicit HoldCommands(config::Command& root);
    HoldCommands(const HoldCommands&) = delete;
    HoldCommands& operator=(const HoldCommands&) = delete;

private:
    int confirm() const;

    ApiOfCommand api_;
    std::vector<std::string> names_;
    bool all_ = false;
};

}  // namespace farhold::cloud
