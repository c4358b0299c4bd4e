// SPDX-License-Identifier: Apache-2.0
#include "common/service/log_settings.hpp"

namespace farhold::service {

void LogSettings::declare(config::Command& command) {
    command.choice("log-format", format, {"text", "json"}, "form of the log lines");
    command.choice("log-level", level, {"debug", "info", "warning", "error"}, "least level logged");
}

log::Logger LogSettings::make_logger() const {
    return log::Logger::to_stderr(log::parse_format(format), log::parse_level(level));
}

}  // namespace farhold::service
