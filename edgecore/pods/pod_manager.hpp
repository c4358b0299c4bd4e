// SPDX-License-Identifier: Apache-2.0
//
// Keeps one worker for every pod uid that is wanted by the store, remembered by it, or found in the
// runtime under our label, and tells each what changed. Runs on the loop.
//
// A pod is taken down only for a removal that was committed, or when it has no row in a store that
// is complete and has known it or has been compared with the hub: absence in a store that may have
// lost rows, or may be an old copy of itself, means nothing.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/json/value.hpp"
#include "common/log/trouble.hpp"
#include "common/object/object_key.hpp"
#include "edgecore/pods/pod_services.hpp"
#include "edgecore/pods/pod_worker.hpp"
#include "edgecore/pods/waiting_line.hpp"

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::pods {

class PodManager {
public:
    explicit PodManager(PodServices services);
    PodManager(const PodManager&) = delete;
    PodManager& operator=(const PodManager&) = delete;
    ~PodManager();

    // Runs in the group until that is cancelled; must outlive it. The pods go on running.
    void start(TaskGroup& group);

    // The hub's answer; a pod that is gone needs none.
    void token_answered(const tunnel::TokenWish& wish, const tunnel::Token& token);
    // Trusted time has made a leap.
    void time_changed();

    // For `edgecore status`, in the order of namespace and name.
    [[nodiscard]] std::vector<PodSummary> summaries() const;
    // The wanted pods as the API shows them: as they came, with the status that was reported last.
    [[nodiscard]] std::vector<json::Value> pods() const;
    // Null when no such pod is wanted.
    [[nodiscard]] json::Value pod(std::string_view ns, std::string_view name) const;
    [[nodiscard]] const PodCounters& counters() const { return services_.counters; }

private:
    struct Entry {
        std::unique_ptr<PodWorker> worker;
        PodSpecPtr spec;        // The newest that could be read.
        bool admitted = false;  // The worker has been told what is wanted.
        bool removed = false;   // It has been told that nothing is.
        std::string seen;       // What the last listing showed of it.
    };

    Task<> run();
    Task<> serve(TaskGroup& group);
    Task<> take_leftovers(TaskGroup& group);
    Task<> watch_runtime(TaskGroup& group);
    Task<> run_worker(std::string uid);

    void on_store_change(std::span<const object::ObjectKey> changed);
    void take_changes(TaskGroup& group);
    void take_pod(const object::ObjectKey& key, TaskGroup& group);
    void take_listing(const runtime::RuntimeState& state, TaskGroup& group);
    void take_away_unwanted();
    void admit_waiting();
    void reject_unreadable(const store::DesiredRow& row, const Error& error);

    void note_listing(const Result<void>& listed);

    [[nodiscard]] json::Value with_status(const store::DesiredRow& row) const;
    Entry& entry_for(const PodIdentity& pod, TaskGroup& group);
    // A sentence why the pod cannot run here, or empty; `wait` when it may be able to later.
    [[nodiscard]] std::string conflict(const Entry& entry, bool& wait) const;

    PodServices services_;
    SharedListing listing_;
    log::Trouble listing_trouble_;
    StartLimit starts_;
    Event changed_;  // The store or a worker.
    Event runtime_event_;
    std::map<std::string, Entry> entries_;  // By uid.
    std::set<object::ObjectKey> changed_keys_;
    std::set<std::string> ended_;  // Uids whose worker has finished.
};

}  // namespace farhold::pods
