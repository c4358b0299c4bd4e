// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/renewal_quota.hpp"

namespace farhold::enrolment {

bool RenewalQuota::take(const std::string& node, Instant now) {
    std::erase_if(nodes_, [now](const auto& entry) {
        return now - entry.second.window_start >= kWindow;
    });
    auto& usage = nodes_.try_emplace(node, Usage{now}).first->second;
    if (usage.taken == kRenewalsMax) {
        return false;
    }
    ++usage.taken;
    return true;
}

}  // namespace farhold::enrolment
