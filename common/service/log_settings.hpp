// SPDX-License-Identifier: Apache-2.0
//
// The settings of a daemon's log, the same for both programs.
#pragma once

#include "common/config/command_line.hpp"
#include "common/log/log.hpp"

#include <string>

namespace farhold::service {

struct LogSettings {
    std::string format = "text";
    std::string level = "info";

    // Adds --log-format and --log-level; must outlive CommandLine::run.
    void declare(config::Command& command);
    // To stderr.
    [[nodiscard]] log::Logger make_logger() const;
};

}  // namespace farhold::service
