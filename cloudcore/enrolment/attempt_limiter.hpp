// SPDX-License-Identifier: Apache-2.0
//
// Pure: refuses to look at requests to enrol after too many bad ones. Only failures count, so a fleet
// behind one address may join at once.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>
#include <deque>
#include <string>

namespace farhold::enrolment {

class AttemptLimiter {
public:
    static constexpr Duration kWindow = std::chrono::minutes(1);
    static constexpr std::size_t kFailuresPerAddress = 5;
    static constexpr std::size_t kFailuresInAll = 50;

    bool allows(const std::string& address, Instant now);
    void failed(const std::string& address, Instant now);

private:
    struct Failure {
        Instant at;
        std::string address;
    };

    void forget_before(Instant time);

    std::deque<Failure> failures_;  // At most kFailuresInAll.
};

}  // namespace farhold::enrolment
