// SPDX-License-Identifier: Apache-2.0
//
// One run of edgecore on one machine, from its start to its death: the link, the store in memory, and
// the pods. What it leaves behind is the machine's: the disk, the runtime, the clock.
#pragma once

#include "commit_witness.hpp"
#include "crashing_store.hpp"
#include "edgecore/link/link_state.hpp"
#include "edgecore/store/desired_state.hpp"
#include "edgecore/store/outbox.hpp"
#include "network.hpp"
#include "pod_driver.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace farhold::simulation {

// What stays when the process dies.
struct MachineParts {
    std::string name;
    CrashingStore disk;
    SimRuntime runtime;
    Duration clock_error{};  // The wall clock's, which nobody trusts.
    std::int64_t order = 0;  // Of its reports.
};

class EdgeProcess final : public PodHost, public std::enable_shared_from_this<EdgeProcess> {
public:
    // Null: no hub can be reached now.
    using Dial = std::function<void(std::function<void(Result<std::shared_ptr<Connection>>)>)>;

    EdgeProcess(World& world, MachineParts& machine, Dial dial, std::function<void()> die);
    // The disk is read, the pods that are found are looked at, the first hub is called.
    void start();
    // Nothing of it runs any more.
    void stop();

    [[nodiscard]] const link::LinkStatus& link_status() const { return link_->status(); }
    [[nodiscard]] const store::Outbox& outbox() const { return outbox_; }
    [[nodiscard]] std::size_t pods() const { return pods_.size(); }
    [[nodiscard]] std::size_t waiting_commits() const { return commits_.size(); }

    World& world() override { return world_; }
    SimRuntime& runtime() override { return machine_.runtime; }
    Now now() const override;
    const store::DesiredState& desired() const override { return desired_; }
    void commit(
        store::StoreBatch batch, std::string report_key, std::string report_uid, std::string body,
        std::function<void(Result<void>)> done
    ) override;
    void report(std::string key, std::string uid, std::string body) override;
    void forget_report(const std::string& key) override;
    void want_token(tunnel::TokenWish wish) override;
    [[nodiscard]] WallTime trusted_time() const override;
    std::int64_t next_order() override { return ++machine_.order; }
    void pod_forgotten(const std::string& uid) override;

private:
    struct Commit {
        store::StoreBatch batch;
        std::function<void(Result<void>)> done;
    };

    // In virtual time, unless the process has died by then.
    void later(Duration delay, std::function<void()> what);

    void tell_link(const link::Event& event);
    void carry_out(link::action::Dial& dial);
    void carry_out(link::action::Send& send);
    void carry_out(link::action::Close& close);
    void carry_out(link::action::Store& store);
    void carry_out(link::action::AckReports& acks);
    void carry_out(link::action::ReportRefused& refused);
    void carry_out(link::action::RaiseSequence& raise);
    void carry_out(link::action::StoreWentBack& back);
    void carry_out(link::action::TokenAnswered& answer);
    void carry_out(link::action::ProveTime& prove);
    template <class Other>
    void carry_out(Other& /*nothing to do with it here*/) {}
    void connected(std::shared_ptr<Connection> connection);
    void schedule_tick();

    void work_on_commits();
    void group_committed(const std::vector<Commit>& group, const Result<void>& outcome);
    void apply(const store::StoreBatch& batch, std::set<object::ObjectKey>& changed);

    void list_runtime();
    void take_listing(const std::map<std::string, pods::Observation>& listed);
    void runtime_changed();
    void take_what_is_known();
    void take_pod(const object::ObjectKey& key);
    void take_changes(const std::set<object::ObjectKey>& changed);
    void take_away_unwanted();
    PodDriver& driver_for(const podspec::PodIdentity& pod);
    void report_node();

    World& world_;
    MachineParts& machine_;
    Dial dial_;
    std::function<void()> die_;
    bool dead_ = false;

    store::StoreMeta meta_;
    store::DesiredState desired_;
    store::Outbox outbox_;
    std::map<std::string, std::string> memory_;
    std::deque<Commit> commits_;
    bool committing_ = false;

    std::unique_ptr<link::LinkState> link_;
    std::shared_ptr<Connection> connection_;
    std::unique_ptr<CommitWitness> witness_;
    Instant tick_{};
    bool in_link_ = false;
    std::deque<link::Event> link_events_;

    std::map<std::string, std::shared_ptr<PodDriver>> pods_;  // By uid.
    std::set<std::string> removed_;  // Pods that have been told that nothing is wanted.
    bool runtime_listed_ = false;    // Nothing is decided before.

    WallTime proved_{};  // By a hub, and when.
    Instant proved_at_{};
};

}  // namespace farhold::simulation
