// SPDX-License-Identifier: Apache-2.0
//
// What the test and the program under test share: a file that both have mapped. Zero bytes mean that
// nothing is wrong.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace farhold::test {

// System calls on files, by what they are for.
enum class Call : std::uint8_t { read, write, sync };
inline constexpr std::size_t kCalls = 3;

enum class Mishap : std::int32_t { none, kill, error };

struct CallPlan {
    std::atomic<Mishap> mishap;
    std::atomic<std::int32_t> error;   // errno.
    std::atomic<std::uint64_t> first;  // The first call that it happens to, from 1.
    std::atomic<std::uint64_t> last;
    std::atomic<std::uint64_t> seen;  // Calls since the plan was made.
};

struct FaultyCallsControl {
    std::array<char, 256> folder;  // Only files below it are meant.
    std::array<CallPlan, kCalls> plans;
};

inline constexpr auto kControlVariable = "FARHOLD_FAULTY_CALLS";

}  // namespace farhold::test
