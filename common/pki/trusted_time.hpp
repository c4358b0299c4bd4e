// SPDX-License-Identifier: Apache-2.0
//
// Pure: the time by which a machine judges certificates: the latest of the build time, the time
// proved by the pinned hub (also before a restart: the owner stores at() and gives it back) and
// what the monotonic clock adds since. The wall clock has no part in it, so a machine with an empty
// battery neither refuses a good certificate nor accepts one that it knew expired.
#pragma once

#include "common/base/time.hpp"

namespace farhold::pki {

class TrustedTime {
public:
    // `stored` is at() of an earlier run, or the epoch.
    TrustedTime(WallTime build_time, WallTime stored, Instant now);

    // A time from a hub whose certificate has been verified. Never moves backwards.
    void prove(WallTime time, Instant now);

    WallTime at(Instant now) const;

private:
    WallTime base_;
    Instant base_mono_;
};

}  // namespace farhold::pki
