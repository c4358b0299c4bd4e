// SPDX-License-Identifier: Apache-2.0
//
// Drives one pod uid: a coroutine on the loop that asks the life cycle what to do, does it through
// the runtime, the store and the thread for file work, and reports. It decides nothing. When the
// process ends the pod goes on running; the next process adopts it by its uid.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/log/trouble.hpp"
#include "edgecore/pods/pod_events.hpp"
#include "edgecore/pods/pod_lifecycle.hpp"
#include "edgecore/pods/pod_observer.hpp"
#include "edgecore/pods/pod_services.hpp"
#include "edgecore/pods/pod_tokens.hpp"
#include "edgecore/pods/waiting_line.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::pods {

// For `edgecore status`.
struct PodSummary {
    PodIdentity pod;
    std::string phase;
    bool ready = false;
    std::uint32_t restarts = 0;
    WaitingReason reason;  // What keeps it from running, or why it ended; empty when all is well.
};

class PodWorker {
public:
    PodWorker(
        PodServices& services, SharedListing& listing, StartLimit& starts, PodIdentity pod,
        PodMemory memory
    );

    // From the store; null: removed. Also stops or hastens what is under way.
    void desire(PodSpecPtr spec);
    void refuse(std::string reason, std::string message);
    void references_changed();
    void runtime_changed();
    // The answer to a wish of this pod.
    void token_answered(const podspec::TokenTerms& terms, const tunnel::Token& token);
    // Trusted time has made a leap.
    void time_changed();

    // Until the pod is forgotten, or cancelled.
    Task<> run();

    // The pod has left this machine for good.
    [[nodiscard]] bool forgotten() const { return forgotten_; }
    [[nodiscard]] const PodLifecycle& lifecycle() const { return lifecycle_; }
    [[nodiscard]] const PodSummary& summary() const { return summary_; }
    // The newest status handed over, as JSON; empty before the first.
    [[nodiscard]] const std::string& reported_status() const { return reported_; }

private:
    Task<> perform(Action action);
    Task<> observe();
    Task<> check_image(CheckImage check);
    Task<Result<void>> operate(Action action);
    // With an ear open for Cancel.
    Task<> operate_until_cancelled(Action action);
    Task<> store_outcome(Action action, std::optional<Result<void>>& outcome);
    Task<> wait_for_cancel();
    Task<> wait(std::optional<Instant> until, Instant now);

    Task<Result<void>> save_memory();
    void ask_for_tokens(Now now);
    Task<> wait_for_tokens();
    Task<Result<void>> prepare_volumes();
    Task<Result<void>> run_sandbox(RunSandbox run);
    Task<Result<void>> create_container(CreateContainer create);
    Task<Result<void>> stop_containers(StopContainers stop);
    Task<> stop_container(
        StopContainers::Target target, std::chrono::seconds grace, Result<void>& outcome
    );
    Task<Result<void>> remove_volumes();
    void report_gone();
    Task<> forget();

    // Which operation an action is, for its trouble.
    using Operation = std::size_t;
    void note_outcome(Operation operation, const Result<void>& outcome);
    // Whether its last try failed.
    [[nodiscard]] bool failing(Operation operation) const;
    // At the debug level when it only repeats what has failed before.
    void tell(Operation operation, std::string_view sentence, log::Field field) const;
    void publish();
    [[nodiscard]] json::Value make_status();
    [[nodiscard]] podspec::References references();
    [[nodiscard]] podspec::MachineFacts facts() const;
    [[nodiscard]] std::string report_key(std::string_view kind) const;

    PodServices& services_;
    StartLimit& starts_;
    PodLifecycle lifecycle_;
    PodObserver observer_;
    EventRecorder events_;
    PodTokens tokens_;
    std::optional<Instant> tokens_due_;  // When to look at them again.
    Event tokens_changed_;
    Event wake_;
    log::Logger log_;
    std::map<Operation, log::Trouble> troubles_;
    log::Trouble unreadable_;
    log::Trouble unreported_;
    std::string reported_;
    PodSummary summary_;
    bool configuration_failed_ = false;
    bool forgotten_ = false;
};

}  // namespace farhold::pods
