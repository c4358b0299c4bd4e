// SPDX-License-Identifier: Apache-2.0
//
// Credentials that a program gives (an exec credential plugin, as cloud providers have them). It is
// run when they are first needed, when they have expired and when the API refuses them, once for all
// who wait for them. Runs on the caller's executor.
#pragma once

#include "cloudcore/kube/exec_credential.hpp"
#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/kubeconfig/kubeconfig.hpp"

#include <list>
#include <optional>
#include <string>

namespace farhold::kube {

class PluginCredentials {
public:
    // `config` has a plugin. The clock must outlive it.
    PluginCredentials(kubeconfig::Kubeconfig config, const Clock& clock);

    // Errors: unavailable, with what the plugin says or how to get it.
    Task<Result<ExecCredential>> current(std::string ca_pem);

    // The API did not take them. Ignored just after a run: others ask with what was there before.
    void refused();

private:
    class Turn;

    Task<Result<ExecCredential>> run(std::string ca_pem);
    Task<> wait_for_others();

    const kubeconfig::Kubeconfig config_;
    const Clock& clock_;
    std::optional<Result<ExecCredential>> kept_;  // What the last run gave.
    Instant ran_at_{};                            // When that ended.
    std::optional<Instant> expires_;
    bool is_running_ = false;
    std::list<Event> waiting_;
};

}  // namespace farhold::kube
