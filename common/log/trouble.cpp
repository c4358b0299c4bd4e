// SPDX-License-Identifier: Apache-2.0
#include "common/log/trouble.hpp"

namespace farhold::log {

void Trouble::met(std::string_view error, Instant now, std::initializer_list<Field> fields) {
    const Logger logger = logger_.with(fields);
    if (++count_ > 1) {
        logger.debug(begun_, {{"error", error}, {"times", count_}});
        return;
    }
    since_ = now;
    if (level_ == Level::error) {
        logger.error(begun_, {{"error", error}});
    } else {
        logger.warning(begun_, {{"error", error}});
    }
}

void Trouble::over(Instant now, std::initializer_list<Field> fields) {
    if (!present()) return;
    const std::chrono::duration<double> lasted = now - since_;
    logger_.with(fields).info(
        ended_, {{"after_seconds", fmt::format("{:.1f}", lasted.count())}, {"times", count_}}
    );
    count_ = 0;
}

}  // namespace farhold::log
