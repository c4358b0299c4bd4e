// SPDX-License-Identifier: Apache-2.0
//
// A fault that lasts: one line when it begins, one when it ends, with its length and how often it
// was met. What is met in between goes to the debug level.
#pragma once

#include "common/base/time.hpp"
#include "common/log/log.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace farhold::log {

class Trouble {
public:
    // The sentences that tell its begin and its end.
    Trouble(Logger logger, std::string begun, std::string ended, Level level = Level::warning)
        : logger_(std::move(logger)),
          begun_(std::move(begun)),
          ended_(std::move(ended)),
          level_(level) {}

    void met(std::string_view error, Instant now, std::initializer_list<Field> fields = {});
    void over(Instant now, std::initializer_list<Field> fields = {});

    [[nodiscard]] bool present() const { return count_ > 0; }
    // Of the first time; only while it is present.
    [[nodiscard]] Instant since() const { return since_; }

private:
    Logger logger_;
    std::string begun_;
    std::string ended_;
    Level level_;
    std::uint64_t count_ = 0;
    Instant since_{};
};

}  // namespace farhold::log
