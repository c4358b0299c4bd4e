// SPDX-License-Identifier: Apache-2.0
//
// `edgecore join`, `leave` and `status`: what a person does at a machine, once each.
#pragma once

#include "common/config/command_line.hpp"
#include "edgecore/app/settings.hpp"

#include <string>
#include <vector>

namespace farhold::edge {

class MachineCommands {
public:
    // Adds the commands to `root`; must outlive CommandLine::run, as must the settings.
    MachineCommands(config::Command& root, Settings& settings);
    MachineCommands(const MachineCommands&) = delete;
    MachineCommands& operator=(const MachineCommands&) = delete;

private:
    [[nodiscard]] int join() const;
    [[nodiscard]] int leave() const;
    [[nodiscard]] int status() const;

    Settings& settings_;
    std::string hub_url_;
    std::string token_;
    std::string token_file_;
    std::string node_name_;
    std::vector<std::string> labels_;
    std::vector<std::string> taints_;
    std::string output_ = "text";
};

}  // namespace farhold::edge
