// SPDX-License-Identifier: Apache-2.0
//
// A logger whose lines a test reads: without the time: warning msg="link down" error=....
#pragma once

#include "common/log/log.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::test {

class LogCapture {
public:
    explicit LogCapture(log::Level least = log::Level::info)
        : logger_(log::Format::text, least, [lines = lines_](std::string_view line) {
              constexpr std::string_view kLevel = " level=";
              lines->emplace_back(line.substr(line.find(kLevel) + kLevel.size()));
          }) {}

    [[nodiscard]] const log::Logger& logger() const { return logger_; }
    // What was logged since the last call.
    std::vector<std::string> take() { return std::exchange(*lines_, {}); }

private:
    // Shared with the logger's copies, which may outlive this.
    std::shared_ptr<std::vector<std::string>> lines_ = std::make_shared<std::vector<std::string>>();
    log::Logger logger_;
};

}  // namespace farhold::test
