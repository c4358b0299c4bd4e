// SPDX-License-Identifier: Apache-2.0
//
// Makes chosen system calls of a program under test fail, or its death: at the n-th write or sync of a
// file in one folder, counted over all its threads. May change while the program runs.
#pragma once

#include "tests/support/rig/faulty_calls_control.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace farhold::test {

class FaultyCalls {
public:
    static constexpr auto kForEver = std::numeric_limits<std::uint64_t>::max();

    // `control` is a file of its own, outside the folder.
    FaultyCalls(const std::string& control, const std::string& folder);
    FaultyCalls(const FaultyCalls&) = delete;
    FaultyCalls& operator=(const FaultyCalls&) = delete;
    ~FaultyCalls();

    // For the program's start.
    std::map<std::string, std::string> environment() const;

    // Counted from now on; SIGKILL comes in place of the call.
    void kill_at(Call call, std::uint64_t number);
    // From the `first` to the `last` of them, counted from now on.
    void fail(Call call, int error, std::uint64_t first = 1, std::uint64_t last = kForEver);
    // Nothing is wrong any more; counts from 0 again.
    void clear();

    // Calls since the last of the above.
    std::uint64_t seen(Call call) const;

private:
    void plan(Call call, Mishap mishap, int error, std::uint64_t first, std::uint64_t last);

    std::string path_;
    FaultyCallsControl* control_;
};

}  // namespace farhold::test
