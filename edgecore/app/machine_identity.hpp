// SPDX-License-Identifier: Apache-2.0
//
// The machine's credentials as the link needs them: the certificate that is valid now, its renewal,
// and the time by which certificates are judged. Runs on the loop; writes files on another thread.
#pragma once

#include "common/async/worker_thread.hpp"
#include "common/base/time.hpp"
#include "common/log/log.hpp"
#include "edgecore/link/cloud_link.hpp"
#include "edgecore/security/credentials.hpp"
#include "edgecore/security/trusted_clock.hpp"

#include <functional>
#include <string>

namespace farhold::edge {

class MachineIdentity {
public:
    MachineIdentity(
        std::string data_dir, security::Credentials credentials, const Clock& clock,
        WorkerThread& files, log::Logger logger
    );

    [[nodiscard]] const std::string& node() const { return credentials_.identity.node; }

    [[nodiscard]] const pki::Certificate& certificate() const { return credentials_.certificate; }
    [[nodiscard]] const security::TrustedClock& time() const { return time_; }

    // Refers to this object, which must outlive the link. `time_leapt` is told when a hub has proved
    // that it is much later than was known.
    link::LinkIdentity for_link(std::function<void()> time_leapt);

private:
    Task<> adopt(std::string certificate_pem);
    Task<> prove(WallTime time);

    std::string data_dir_;
    security::Credentials credentials_;
    security::TrustedClock time_;
    WorkerThread& files_;
    std::function<void()> time_leapt_;
    log::Logger logger_;
};

}  // namespace farhold::edge
