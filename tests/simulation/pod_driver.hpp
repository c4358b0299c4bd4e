// SPDX-License-Identifier: Apache-2.0
//
// Drives one pod's life cycle in virtual time, as PodWorker does on the loop: asks what to do, has it
// done, says how it went, and asks again.
#pragma once

#include "edgecore/pods/pod_lifecycle.hpp"
#include "edgecore/pods/pod_tokens.hpp"
#include "edgecore/store/desired_state.hpp"
#include "sim_runtime.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace farhold::simulation {

// What a pod needs of the process that runs it.
class PodHost {
public:
    virtual ~PodHost() = default;

    virtual World& world() = 0;
    virtual SimRuntime& runtime() = 0;
    virtual Now now() const = 0;
    virtual const store::DesiredState& desired() const = 0;
    // The batch's reports are still to be numbered: `key` and `body` go into the outbox, unless empty.
    virtual void commit(
        store::StoreBatch batch, std::string report_key, std::string report_uid, std::string body,
        std::function<void(Result<void>)> done
    ) = 0;
    virtual void report(std::string key, std::string uid, std::string body) = 0;
    virtual void forget_report(const std::string& key) = 0;
    virtual void want_token(tunnel::TokenWish wish) = 0;
    [[nodiscard]] virtual WallTime trusted_time() const = 0;
    virtual std::int64_t next_order() = 0;
    virtual void pod_forgotten(const std::string& uid) = 0;
};

class PodDriver : public std::enable_shared_from_this<PodDriver> {
public:
    PodDriver(PodHost& host, podspec::PodIdentity pod, pods::PodMemory memory);

    void desire(pods::PodSpecPtr spec);
    void references_changed();
    void runtime_changed();
    void token_answered(const podspec::TokenTerms& terms, const tunnel::Token& token);
    // Goes on for as long as there is something to do.
    void pump();
    // The process has died.
    void stop() { stopped_ = true; }

    [[nodiscard]] const pods::PodSpecPtr& spec() const { return lifecycle_.spec(); }
    [[nodiscard]] const podspec::PodIdentity& identity() const { return lifecycle_.identity(); }

private:
    void perform(const pods::Action& action);
    void finish(std::uint64_t operation, const Result<void>& outcome);
    void save_memory(std::uint64_t operation);
    [[nodiscard]] Result<void> references_present() const;
    void ask_for_tokens();
    void wake_at(Instant when);
    void publish();
    [[nodiscard]] json::Value make_status();
    [[nodiscard]] std::string report_key(std::string_view kind) const;

    PodHost& host_;
    pods::PodLifecycle lifecycle_;
    pods::PodTokens tokens_;
    std::string published_;
    std::int64_t published_order_ = 0;
    bool busy_ = false;
    bool cancellable_ = false;
    bool stopped_ = false;
    bool pumping_ = false;
    std::uint64_t operation_ = 0;  // Answers to earlier ones are void.
    Instant wake_{};
};

}  // namespace farhold::simulation
