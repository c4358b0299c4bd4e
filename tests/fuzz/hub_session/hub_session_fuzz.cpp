// SPDX-License-Identifier: Apache-2.0
//
// The hub's end of a session, against a machine that says anything at any time while the view
// changes, time passes and Kubernetes answers what it likes. The hub's own driver is honest: it
// answers what it was asked, once. A machine that has told the truth holds its view in the end.
#include "cloudcore/hub/session_state.hpp"
#include "common/base/ensure.hpp"
#include "tests/support/fuzz_input.hpp"
#include "tests/support/view_builder.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

using namespace farhold;
using namespace farhold::hub;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kStepsMax = 400;

class Cluster final : public ViewAccess {
public:
    bool ready() const override { return is_ready; }
    const views::NodeView& view() const override { return views.view(test::kNode); }
    bool may_remove_surplus(std::string_view /*held_node_uid*/, std::size_t /*objects*/) override {
        kept_surplus = !may_remove;
        return may_remove;
    }

    bool is_ready = true;
    bool may_remove = true;
    bool kept_surplus = false;
    mutable views::NodeViews views;
};

// What a machine holds, as the batches that it has confirmed left it.
class Holdings {
public:
    void add(const tunnel::InventoryEntry& entry) {
        remove(entry.key);
        digest_.add(entry.key.text(), entry.uid, entry.hash, entry.encoding);
        held_.emplace(entry.key, entry);
    }

    void apply(const tunnel::Batch& batch) {
        for (const tunnel::Removal& removal : batch.removals) {
            const auto found = held_.find(removal.key);
            if (found != held_.end() && found->second.uid == removal.uid) {
                remove(removal.key);
            }
        }
        for (const tunnel::Upsert& upsert : batch.upserts) {
            add({upsert.key, upsert.uid, upsert.hash, upsert.encoding});
        }
    }

    tunnel::Inventory inventory() const {
        tunnel::Inventory inventory;
        inventory.last = true;
        for (const auto& [key, entry] : held_) {
            inventory.entries.push_back(entry);
        }
        return inventory;
    }

    const tunnel::ViewDigest& digest() const { return digest_; }

private:
    void remove(const object::ObjectKey& key) {
        const auto found = held_.find(key);
        if (found != held_.end()) {
            const tunnel::InventoryEntry& entry = found->second;
            digest_.remove(key.text(), entry.uid, entry.hash, entry.encoding);
            held_.erase(found);
        }
    }

    std::map<object::ObjectKey, tunnel::InventoryEntry> held_;
    tunnel::ViewDigest digest_;
};

class World {
public:
    explicit World(test::FuzzInput& in)
        : in_(in), state_({.cluster_uid = "c", .renew_only = in.byte() == 1}, now()) {
        test::put(cluster_.views, test::node_object());
        cluster_.is_ready = in.flag();
        for (std::size_t i = in.below(4); i > 0; --i) {
            machine_.add(some_entry());
        }
    }

    void step() {
        switch (in_.below(22)) {
            case 0:
            case 1:
                return send_hello();
            case 2:
                return receive(machine_.inventory());
            case 3:
                return send_some_inventory();
            case 4:
            case 5:
                return commit_next();
            case 6:
                honest_ = false;
                return receive(tunnel::Committed{in_.number()});
            case 7:
            case 8:
                return send_reports();
            case 9:
                return receive(tunnel::Ping{in_.number(), Duration(signed_number())});
            case 10:
                return receive(tunnel::RenewCertificate{std::string(in_.text())});
            case 11:
                return send_rubbish();
            case 12:
                return receive(tunnel::Pong{.id = in_.number(), .hub_time = {}});
            case 13:
            case 14:
                return answer_hub();
            case 15:
            case 16:
                return change_view();
            case 17:
                cluster_.is_ready = in_.flag();
                cluster_.may_remove = in_.flag();
                return feed(event::ViewChanged{});
            case 18:
                return advance(Duration(std::chrono::milliseconds(100)) * in_.byte());
            case 19:
                return end_session();
            case 20:
                return ask_for_token();
            default:
                return mint_token();
        }
    }

    // Everything that is on its way arrives.
    void finish() {
        cluster_.is_ready = true;
        feed(event::ViewChanged{});
        while (!batches_.empty()) {
            commit_next();
        }
        if (!honest_ || closed()) {
            return;
        }
        ensure(state_.phase() != Phase::syncing, "a sync comes to its end");
        if (state_.phase() == Phase::live && !cluster_.kept_surplus) {
            ensure(machine_.digest() == cluster_.view().digest(), "the machine holds its view");
        }
    }

    bool closed() const { return state_.phase() == Phase::closed; }

private:
    Now now() const { return {Instant(time_), WallTime(time_) + 1h}; }

    std::int64_t signed_number() { return static_cast<std::int64_t>(in_.number()); }

    std::string some_name() { return std::string(1, static_cast<char>('a' + in_.below(4))); }
    std::string some_uid() { return std::string(1, static_cast<char>('1' + in_.below(3))); }

    tunnel::InventoryEntry some_entry() {
        constexpr std::array kKinds = {"ConfigMap", "Pod", "Node", "Secret"};
        const char* kind = kKinds.at(in_.below(kKinds.size()));
        return {{kind, "default", some_name()}, some_uid(), std::string(16, 'h'), 1};
    }

    void feed(const Event& event) {
        const bool was_closed = closed();
        if (std::holds_alternative<event::Received>(event)) {
            heard_ = time_;
        }
        for (Action& action : state_.on_event(event, cluster_, now())) {
            ensure(!was_closed && !dropped_, "nothing is done after the end");
            std::visit([this](auto& one) { act(one); }, action);
        }
        ensure(applying_.size() <= kAppliesMax, "reports that are written at once");
    }

    void receive(const tunnel::Message& message) {
        for (std::string& bytes : from_machine_.write(message)) {
            (void)at_hub_.read(bytes);
            feed(event::Received{std::move(bytes)});
        }
    }

    // What is a frame after all is left to tunnel_frame.
    void send_rubbish() {
        std::string bytes(in_.text());
        tunnel::FrameReader reader = at_hub_;
        if (!reader.read(bytes)) {
            feed(event::Received{std::move(bytes)});
        }
    }

    void send_hello() {
        tunnel::Hello hello{.store_uuid = "s", .seq_high = in_.number()};
        hello.digest = machine_.digest();
        if (in_.byte() == 7) {
            hello.protocol = static_cast<std::uint32_t>(in_.number());
        }
        receive(hello);
    }

    void send_some_inventory() {
        honest_ = false;
        tunnel::Inventory inventory;
        inventory.last = in_.flag();
        for (std::size_t i = in_.below(5); i > 0; --i) {
            inventory.entries.push_back(some_entry());
        }
        receive(inventory);
    }

    void commit_next() {
        if (batches_.empty()) {
            return receive(tunnel::Committed{in_.number()});
        }
        const tunnel::Batch batch = std::move(batches_.front());
        batches_.pop_front();
        machine_.apply(batch);
        if (batch.digest && honest_) {
            ensure(*batch.digest == machine_.digest(), "a batch leads to the digest it names");
        }
        receive(tunnel::Committed{batch.id});
    }

    void send_reports() {
        constexpr std::array kKeys = {
            "PodStatus/default/a", "PodGone/default/a", "PodStatus/default/b",
            "NodeStatus//edge-1",  "Event/default/x",
        };
        tunnel::Reports reports;
        for (std::size_t i = 1 + in_.below(12); i > 0; --i) {
            tunnel::Report report;
            report.cls = static_cast<tunnel::ReportClass>(in_.below(3));
            report.key = kKeys.at(in_.below(kKeys.size()));
            report.uid = some_uid();
            report.seq = report.cls == tunnel::ReportClass::durable ? 1 + in_.number() % 1000 : 0;
            report.body = in_.text();
            reports.reports.push_back(std::move(report));
        }
        receive(reports);
    }

    void change_view() {
        const std::string name = some_name();
        switch (in_.below(5)) {
            case 0:
                return feed(event::ViewChanged{
                    test::put(cluster_.views, test::config_map(name, some_uid(), some_name()))
                });
            case 1:
                return feed(event::ViewChanged{
                    test::put(cluster_.views, test::pod_object(name, some_uid()))
                });
            case 2:
                return feed(event::ViewChanged{
                    cluster_.views.remove({"ConfigMap", "default", name}, some_uid())
                });
            case 3:
                return feed(
                    event::ViewChanged{cluster_.views.remove({"Pod", "default", name}, some_uid())}
                );
            default:
                return feed(event::ViewChanged{test::put(cluster_.views, test::token_pod())});
        }
    }

    // As a rule for one that may be had, and with the next number.
    void ask_for_token() {
        tunnel::TokenRequest request = test::token_request(++token_);
        switch (in_.below(8)) {
            case 0:
                request.wish.pod_uid = some_uid();
                break;
            case 1:
                request.wish.audience = in_.text();
                break;
            case 2:
                request.wish.service_account = in_.text();
                break;
            case 3:
                request.id = in_.number();
                break;
            default:
                break;
        }
        receive(request);
    }

    void mint_token() {
        if (minting_.empty()) {
            return;
        }
        const std::uint64_t id = *minting_.begin();
        minting_.erase(id);
        if (in_.flag()) {
            return feed(event::TokenMinted{{.id = id, .token = "jwt", .expires = WallTime(1h)}});
        }
        feed(event::TokenMinted{{.id = id, .refusal = "why", .retry = in_.flag()}});
    }

    // One of what the hub has asked its driver.
    void answer_hub() {
        switch (in_.below(5)) {
            case 0:
                if (std::exchange(admitting_, false)) {
                    feed(event::Admitted{
                        .epoch = std::uint64_t{1} + in_.byte(),
                        .acked_seq = in_.number() % tunnel::kSeqMax,
                    });
                }
                return;
            case 1:
                if (!applying_.empty()) {
                    settle(*std::next(
                        applying_.begin(), static_cast<std::ptrdiff_t>(in_.below(applying_.size()))
                    ));
                }
                return;
            case 2:
                if (std::exchange(confirming_, false)) {
                    feed(event::AbsenceChecked{static_cast<event::Absence>(in_.below(3))});
                }
                return;
            case 3:
                if (std::exchange(renewing_, false)) {
                    feed(event::LeaseAnswered{static_cast<event::LeaseOutcome>(in_.below(3))});
                }
                return;
            default:
                if (std::exchange(signing_, false)) {
                    feed(event::CertificateIssued{"certificate", {}});
                }
                return;
        }
    }

    void settle(std::uint64_t ordinal) {
        ApplyOutcome outcome{static_cast<ApplyOutcome::Kind>(in_.below(5)), "why"};
        applying_.erase(ordinal);
        if (outcome.kind != ApplyOutcome::Kind::retry) {
            settled_.insert(ordinal);
        }
        feed(event::Applied{ordinal, std::move(outcome)});
    }

    void advance(Duration by) {
        const Duration end = time_ + by;
        for (auto wake = state_.wake_at(); wake && wake->time_since_epoch() <= end;
             wake = state_.wake_at()) {
            time_ = std::max(time_, wake->time_since_epoch());
            feed(event::Tick{});
            const auto next = state_.wake_at();
            ensure(!next || next->time_since_epoch() > time_, "a tick is not due again at once");
        }
        time_ = end;
        ensure(closed() || time_ < heard_ + tunnel::kSilenceMax, "silence ends a session");
    }

    void end_session() {
        if (in_.byte() < 0xf0) {
            return;
        }
        if (in_.flag()) {
            dropped_ = true;
            return feed(event::Closed{"broken"});
        }
        const auto reason = static_cast<tunnel::GoodbyeReason>(in_.below(9));
        feed(event::Dismissed{reason, std::string(in_.text())});
    }

    void act(action::Admit& /*action*/) { admitting_ = true; }
    void act(action::Send& action) {
        auto read = from_hub_.read(action.bytes);
        ensure(read.has_value(), "the machine can read what the hub sends");
        if (*read) {
            std::visit([this](auto& one) { hear(one); }, **read);
        }
    }
    void act(action::Close& /*action*/) { ensure(closed(), "closing is the end"); }
    void act(action::Apply& action) {
        ensure(action.epoch == state_.epoch() && welcomed_, "reports are written in an epoch");
        ensure(applying_.insert(action.ordinal).second, "a report is written once at a time");
    }
    void act(action::ConfirmGone& action) {
        ensure(!std::exchange(confirming_, true), "one question at a time");
        ensure(!action.objects.empty(), "a question is about something");
    }
    void act(action::RenewLease& /*action*/) {
        ensure(welcomed_ && !std::exchange(renewing_, true), "one renewal at a time");
    }
    void act(action::SignCertificate& /*action*/) {
        ensure(!std::exchange(signing_, true), "one certificate at a time");
    }
    void act(action::MintToken& action) {
        ensure(welcomed_ && minting_.insert(action.request.id).second, "a token is minted once");
        ensure(minting_.size() <= tunnel::kTokenWindow, "the window of tokens");
        const tunnel::TokenWish& wish = action.request.wish;
        const auto pod = cluster_.view().find({"Pod", wish.ns, wish.pod});
        ensure(pod != nullptr && pod->uid == wish.pod_uid, "only for a pod of the view");
        ensure(wish == test::token_request(0).wish, "only what the pod asks for");
    }
    void act(action::StoreWentBack& action) {
        ensure(action.seq_high < action.acked_seq, "a store that went back lacks something");
    }
    void act(action::NodeMadeAnew& /*action*/) {
        ensure(state_.phase() == Phase::syncing || closed(), "known when what it holds is known");
    }
    void act(action::InSync& /*action*/) {
        ensure(state_.phase() == Phase::live || closed(), "in sync means live");
    }

    void hear(tunnel::Welcome& welcome) {
        ensure(!std::exchange(welcomed_, true), "one welcome");
        ensure(cluster_.is_ready || welcome.mode == tunnel::SyncMode::renew_only, "a whole view");
    }
    void hear(tunnel::Batch& batch) {
        ensure(welcomed_ && batch.id == ++last_batch_, "batches are numbered");
        std::size_t bytes = tunnel::size_of(batch);
        ensure(!batch.upserts.empty() || !batch.removals.empty() || !batch.more, "no idle batch");
        for (const tunnel::Batch& sent : batches_) {
            bytes += tunnel::size_of(sent);
        }
        batches_.push_back(std::move(batch));
        ensure(batches_.size() <= tunnel::kBatchWindow, "the batch window");
        ensure(batches_.size() == 1 || bytes <= tunnel::kBatchWindowBytes, "the window's bytes");
    }
    void hear(tunnel::ReportsAck& ack) {
        for (const std::uint64_t ordinal : ack.handled) {
            ensure(settled_.erase(ordinal) == 1, "what is acknowledged was written, once");
        }
        for (const tunnel::Refusal& refusal : ack.refused) {
            // Events beyond the rate are refused unwritten.
            ensure(settled_.erase(refusal.ordinal) <= 1, "a refusal");
            ensure(refused_.insert(refusal.ordinal).second, "a report is refused once");
        }
    }
    void hear(tunnel::Pong& /*pong*/) {}
    void hear(tunnel::Certificate& /*certificate*/) {}
    void hear(tunnel::Token& token) {
        ensure(!minting_.contains(token.id), "a token is answered once it is minted");
        ensure(answered_tokens_.insert(token.id).second, "and once");
    }
    void hear(tunnel::Goodbye& /*goodbye*/) {}
    template <class T>
    void hear(T& /*other*/) {
        ensure(false, "only hubs' messages come from a hub");
    }

    test::FuzzInput& in_;
    Duration time_ = 1s;
    Duration heard_ = 1s;
    Cluster cluster_;
    SessionState state_;
    tunnel::FrameReader from_hub_;
    tunnel::FrameWriter from_machine_;
    tunnel::FrameReader at_hub_;  // Reads along with the hub.
    Holdings machine_;
    // Whether the hub was told what the machine really holds, and only that.
    bool honest_ = true;

    std::uint64_t token_ = 0;  // Asked for last.
    std::set<std::uint64_t> minting_;
    std::set<std::uint64_t> answered_tokens_;
    bool admitting_ = false;
    bool confirming_ = false;
    bool renewing_ = false;
    bool signing_ = false;
    bool dropped_ = false;
    bool welcomed_ = false;
    std::uint64_t last_batch_ = 0;
    std::deque<tunnel::Batch> batches_;
    std::set<std::uint64_t> applying_;
    std::set<std::uint64_t> settled_;
    std::set<std::uint64_t> refused_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    World world(in);
    for (std::size_t i = 0; i < kStepsMax && !in.at_end() && !world.closed(); ++i) {
        world.step();
    }
    world.finish();
    return 0;
}
