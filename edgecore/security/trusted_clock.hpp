// SPDX-License-Identifier: Apache-2.0
//
// pki::TrustedTime with its memory: DIR/trusted-time keeps the latest time that the hub has proved,
// so that a restart without network does not forget it. One executor.
#pragma once

#include "common/async/task.hpp"
#include "common/async/worker_thread.hpp"
#include "common/base/time.hpp"
#include "common/pki/trusted_time.hpp"

#include <string>

namespace farhold::security {

// When this program was built; no certificate that we meet was judged before that.
WallTime build_time();

class TrustedClock {
public:
    // A file that is missing or unreadable counts as none: build time is a safe lower bound.
    // `clock` outlives the object.
    TrustedClock(const std::string& dir, const Clock& clock);

    WallTime now() const { return time_.at(clock_.now().mono); }

    // Whether a hub has told the time since this program started: until then now() is only known not
    // to be too late.
    bool proved() const { return proved_; }

    // A time from a hub whose certificate has been verified. The file is written by `files` (the
    // loop never waits for a disk), at most once an hour, so that a flash disk is spared.
    Task<> prove(WallTime time, WorkerThread& files);

private:
    const Clock& clock_;
    std::string path_;
    WallTime stored_;
    pki::TrustedTime time_;
    bool proved_ = false;
};

}  // namespace farhold::security
