// SPDX-License-Identifier: Apache-2.0
//
// `edgecore device`: what devices report and what is desired of them, asked of the running edgecore;
// with or without a link to the cloud.
#pragma once

#include "common/config/command_line.hpp"
#include "edgecore/app/settings.hpp"

#include <string>
#include <vector>

namespace farhold::edge {

class DeviceCommands {
public:
    // Adds the command to `root`; must outlive CommandLine::run, as must the settings.
    DeviceCommands(config::Command& root, Settings& settings);
    DeviceCommands(const DeviceCommands&) = delete;
    DeviceCommands& operator=(const DeviceCommands&) = delete;

private:
    [[nodiscard]] int act() const;

    Settings& settings_;
    std::vector<std::string> words_;
    std::string output_ = "text";
    bool watch_ = false;
};

}  // namespace farhold::edge
