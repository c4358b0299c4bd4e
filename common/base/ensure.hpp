// SPDX-License-Identifier: Apache-2.0
//
// An assertion that stays on in every build. For broken invariants of our own only: input from
// outside is never ensured, it is answered with an Error.
#pragma once

#include <source_location>
#include <string_view>

namespace farhold {

[[noreturn]] void ensure_failed(std::string_view what, std::source_location where);

// Ends the process with file, line and sentence when the condition does not hold.
inline void ensure(
    bool condition, std::string_view what,
    std::source_location where = std::source_location::current()
) {
    if (!condition) [[unlikely]] {
        ensure_failed(what, where);
    }
}

}  // namespace farhold
