// SPDX-License-Identifier: Apache-2.0
//
// Pure: how often a machine may have its certificate renewed: ten times a day.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>
#include <map>
#include <string>

namespace farhold::enrolment {

class RenewalQuota {
public:
    static constexpr Duration kWindow = std::chrono::hours(24);
    static constexpr std::size_t kRenewalsMax = 10;

    // Takes one of the node's renewals; false when there is none left.
    bool take(const std::string& node, Instant now);

private:
    struct Usage {
        Instant window_start;
        std::size_t taken = 0;
    };

    std::map<std::string, Usage> nodes_;  // Those that renewed within the window.
};

}  // namespace farhold::enrolment
