// SPDX-License-Identifier: Apache-2.0
#include "edge_process.hpp"

#include "invariants.hpp"

#include <algorithm>
#include <utility>

namespace farhold::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kGroupMax = 64;
constexpr WallTime kWallStart{std::chrono::seconds(1'700'000'000)};

}  // namespace

EdgeProcess::EdgeProcess(World& world, MachineParts& machine, Dial dial, std::function<void()> die)
    : world_(world), machine_(machine), dial_(std::move(dial)), die_(std::move(die)) {}

Now EdgeProcess::now() const {
    const Instant mono = world_.now();
    return Now{mono, kWallStart + mono.time_since_epoch() + machine_.clock_error};
}

void EdgeProcess::later(Duration delay, std::function<void()> what) {
    world_.queue.after(delay, [self = weak_from_this(), what = std::move(what)] {
        const auto process = self.lock();
        if (process != nullptr && !process->dead_) {
            what();
        }
    });
}

void EdgeProcess::start() {
    store::StoreContents contents = machine_.disk.load().value();
    world_.note(
        "{} starts: {} rows, {} reports, complete={}", machine_.name, contents.desired.size(),
        contents.reports.size(), contents.meta.complete
    );
    meta_ = contents.meta;
    desired_ = store::DesiredState(std::move(contents.desired), meta_.complete);
    outbox_ = store::Outbox(std::move(contents.reports), meta_.seq_high);
    for (store::MemoryRow& row : contents.memory) {
        memory_.emplace(std::move(row.pod_uid), std::move(row.text));
    }
    link::LinkConfig config;
    config.version = "simulated";
    config.process = fmt::format("{:016x}", world_.random.next());
    link_ = std::make_unique<link::LinkState>(std::move(config), now());
    machine_.runtime.on_change([self = weak_from_this()] {
        const auto process = self.lock();
        if (process != nullptr && !process->dead_) {
            process->runtime_changed();
        }
    });
    list_runtime();
    tell_link(link::event::Tick{});
    report_node();
}

void EdgeProcess::stop() {
    dead_ = true;
    for (const auto& [uid, driver] : pods_) {
        driver->stop();
    }
    pods_.clear();
    if (connection_ != nullptr) {
        std::exchange(connection_, nullptr)->die(Side::machine);
    }
}

// The store.

void EdgeProcess::commit(
    store::StoreBatch batch, std::string report_key, std::string report_uid, std::string body,
    std::function<void(Result<void>)> done
) {
    if (!report_key.empty()) {
        auto row = outbox_.put(std::move(report_key), std::move(report_uid), std::move(body));
        if (!row) {
            world_.violate("bounded", "outbox: " + row.error().message());
            return;
        }
        batch.reports.push_back(std::move(*row));
    }
    commits_.push_back(Commit{std::move(batch), std::move(done)});
    work_on_commits();
}

void EdgeProcess::work_on_commits() {
    if (committing_ || commits_.empty() || dead_) {
        return;
    }
    committing_ = true;
    later(world_.between(500us, 20ms), [this] {
        const auto count = static_cast<std::ptrdiff_t>(std::min(commits_.size(), kGroupMax));
        std::vector<Commit> group(
            std::make_move_iterator(commits_.begin()),
            std::make_move_iterator(commits_.begin() + count)
        );
        commits_.erase(commits_.begin(), commits_.begin() + count);
        std::vector<store::StoreBatch> batches;
        for (const Commit& one : group) {
            batches.push_back(one.batch);
        }
        const bool crash = world_.happens(world_.faults.commit_crash);
        const bool before = crash && world_.random.chance(0.5);
        const Result<void> outcome = before ? Result<void>() : machine_.disk.commit(batches);
        if (crash) {
            world_.note("{} dies {} a commit", machine_.name, before ? "before" : "after");
            dead_ = true;
            world_.queue.after(0s, die_);
            return;
        }
        later(world_.between(10us, 2ms), [this, group = std::move(group), outcome] {
            group_committed(group, outcome);
        });
    });
}

void EdgeProcess::group_committed(const std::vector<Commit>& group, const Result<void>& outcome) {
    committing_ = false;
    std::set<object::ObjectKey> changed;
    bool outbox_changed = false;
    if (outcome) {
        for (const Commit& one : group) {
            apply(one.batch, changed);
            outbox_changed |= !one.batch.reports.empty() || !one.batch.acknowledged.empty();
        }
    }
    for (const Commit& one : group) {
        one.done(outcome);
    }
    take_changes(changed);
    if (outbox_changed) {
        tell_link(link::event::OutboxChanged{});
    }
    work_on_commits();
}

void EdgeProcess::apply(const store::StoreBatch& batch, std::set<object::ObjectKey>& changed) {
    for (const object::ObjectKey& key : batch.removals) {
        if (const store::DesiredRow* row = desired_.find(key)) {
            check_removal(world_, machine_.name, key, row->uid);
        }
    }
    for (const store::DesiredRow& row : batch.upserts) {
        check_own_view(world_, machine_.name, row);
    }
    check_startable(world_, machine_.name, desired_, batch);
    const auto keys = desired_.apply(batch);
    changed.insert(keys.begin(), keys.end());
    for (const store::ReportRow& row : batch.reports) {
        outbox_.stored(row);
    }
    for (const std::uint64_t seq : batch.acknowledged) {
        outbox_.acknowledge(seq);
    }
    for (const store::MemoryRow& row : batch.memory) {
        memory_[row.pod_uid] = row.text;
    }
    for (const std::string& uid : batch.forgotten) {
        memory_.erase(uid);
    }
    meta_.complete = desired_.complete();
}

// The link.

void EdgeProcess::tell_link(const link::Event& event) {
    if (dead_) {
        return;
    }
    // What the carrying out of an action brings comes after the other actions.
    link_events_.push_back(event);
    if (in_link_) {
        return;
    }
    in_link_ = true;
    while (!link_events_.empty() && !dead_) {
        const link::Event next = std::move(link_events_.front());
        link_events_.pop_front();
        const link::Phase before = link_->status().phase;
        const link::StoreView view{meta_, desired_, outbox_};
        link::Actions actions = link_->on_event(next, view, now(), world_.random);
        if (link_->status().phase != before) {
            world_.note(
                "{} {} {}", machine_.name, link::to_string(link_->status().phase),
                link_->status().trouble
            );
        }
        for (link::Action& action : actions) {
            std::visit([this](auto& one) { carry_out(one); }, action);
        }
    }
    in_link_ = false;
    schedule_tick();
}

void EdgeProcess::schedule_tick() {
    const auto wake = link_->wake_at();
    if (!wake || (tick_ > world_.now() && tick_ <= *wake)) {
        return;
    }
    tick_ = std::max(*wake, world_.now() + 1us);
    world_.queue.at(tick_, [self = weak_from_this(), at = tick_] {
        const auto process = self.lock();
        if (process != nullptr && !process->dead_ && process->tick_ == at) {
            process->tell_link(link::event::Beat{});
            process->tell_link(link::event::Tick{});
        }
    });
}

void EdgeProcess::carry_out(link::action::Dial& /*dial*/) {
    dial_([self = weak_from_this()](Result<std::shared_ptr<Connection>> dialed) {
        const auto process = self.lock();
        if (process == nullptr || process->dead_) {
            if (dialed) {
                (*dialed)->die(Side::machine);
            }
        } else if (dialed) {
            process->connected(std::move(*dialed));
        } else {
            process->tell_link(link::event::DialFailed{dialed.error(), link::Reach::nobody});
        }
    });
}

void EdgeProcess::connected(std::shared_ptr<Connection> connection) {
    connection_ = std::move(connection);
    witness_ = std::make_unique<CommitWitness>(world_, machine_.name, machine_.disk);
    Endpoint endpoint;
    endpoint.received = [self = weak_from_this()](std::string bytes) {
        const auto process = self.lock();
        if (process != nullptr && !process->dead_) {
            process->witness_->received(bytes);
            process->tell_link(link::event::Received{std::move(bytes)});
        }
    };
    endpoint.closed = [self = weak_from_this()](const std::string& reason) {
        const auto process = self.lock();
        if (process != nullptr && !process->dead_) {
            process->connection_ = nullptr;
            process->tell_link(link::event::Closed{reason});
        }
    };
    connection_->attach(Side::machine, std::move(endpoint));
    tell_link(link::event::Dialed{});
}

void EdgeProcess::carry_out(link::action::Send& send) {
    if (connection_ != nullptr) {
        witness_->sent(send.bytes);
        connection_->send(Side::machine, std::move(send.bytes));
    }
}

void EdgeProcess::carry_out(link::action::Close& close) {
    if (connection_ != nullptr) {
        std::exchange(connection_, nullptr)->close(Side::machine, close.reason);
    }
}

void EdgeProcess::carry_out(link::action::Store& store) {
    commit(std::move(store.batch), {}, {}, {}, [this](const Result<void>& outcome) {
        if (outcome) {
            tell_link(link::event::Stored{});
        } else {
            tell_link(link::event::StoreFailed{outcome.error()});
        }
    });
}

void EdgeProcess::carry_out(link::action::AckReports& acks) {
    store::StoreBatch batch;
    batch.acknowledged = std::move(acks.seqs);
    commit(std::move(batch), {}, {}, {}, [this](const Result<void>& outcome) {
        if (!outcome) {
            tell_link(link::event::AcksNotStored{outcome.error()});
        }
    });
}

void EdgeProcess::carry_out(link::action::ReportRefused& refused) {
    world_.note("{} report {} refused: {}", machine_.name, refused.key, refused.reason);
}

void EdgeProcess::carry_out(link::action::RaiseSequence& raise) {
    outbox_.raise_sequence(raise.seq_high);
    store::StoreBatch batch;
    batch.seq_high = raise.seq_high;
    commit(std::move(batch), {}, {}, {}, [](const Result<void>&) {});
}

void EdgeProcess::carry_out(link::action::StoreWentBack& back) {
    world_.note("{} went back in time, {} stale reports", machine_.name, back.stale);
}

void EdgeProcess::carry_out(link::action::TokenAnswered& answer) {
    const auto pod = pods_.find(answer.wish.pod_uid);
    if (pod == pods_.end()) {
        return;
    }
    if (answer.token.refusal.empty() && answer.token.token != answer.wish.pod_uid) {
        world_.violate("own_token_only", answer.wish.pod_uid + " gets another pod's token");
    }
    const auto driver = pod->second;  // It may go meanwhile.
    driver->token_answered({answer.wish.audience, answer.wish.expiration_seconds}, answer.token);
}

void EdgeProcess::carry_out(link::action::ProveTime& prove) {
    const bool leap = prove.time > trusted_time() + 10s;
    proved_ = std::max(trusted_time(), prove.time);
    proved_at_ = world_.now();
    if (leap) {
        for (const auto& [uid, driver] : std::map(pods_)) {
            driver->pump();
        }
    }
}

void EdgeProcess::want_token(tunnel::TokenWish wish) {
    tell_link(link::event::TokenWanted{std::move(wish)});
}

// Nothing is kept over a restart: until a hub has told the time it is known to be long ago.
WallTime EdgeProcess::trusted_time() const {
    return proved_ + (world_.now() - proved_at_);
}

void EdgeProcess::report(std::string key, std::string uid, std::string body) {
    tell_link(link::event::Submitted{
        tunnel::ReportClass::derived, std::move(key), std::move(uid), std::move(body)
    });
}

void EdgeProcess::forget_report(const std::string& key) {
    tell_link(link::event::Forgotten{key});
}

void EdgeProcess::report_node() {
    const store::DesiredRow* node = desired_.find("Node", "", machine_.name);
    json::Value status = json::Value::make_object();
    status.set("order", json::Value::of(next_order()));
    report("NodeStatus//" + machine_.name, node != nullptr ? node->uid : "", status.dump());
    later(60s, [this] { report_node(); });
}

}  // namespace farhold::simulation
