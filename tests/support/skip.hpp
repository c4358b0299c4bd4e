// SPDX-License-Identifier: Apache-2.0
//
// A test that cannot run here says so and why, instead of passing. ctest knows exit code 77 as
// "skipped", and tools/test lists the reasons. It ends the whole executable, so a test that may
// be skipped lives in an executable of its own.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace farhold::test {

[[noreturn]] inline void skip_tests(std::string_view reason) {
    std::printf("SKIP: %.*s\n", static_cast<int>(reason.size()), reason.data());
    std::fflush(nullptr);
    std::_Exit(77);
}

}  // namespace farhold::test
