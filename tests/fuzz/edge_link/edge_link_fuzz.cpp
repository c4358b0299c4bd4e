// SPDX-License-Identifier: Apache-2.0
//
// The machine's end of the tunnel, against a hub that says anything at any time while pods report,
// the disk fails and time passes. The machine's own driver is honest: it answers what it was asked,
// once. Whatever the hub does, what is confirmed is stored, and there is a next attempt.
#include "common/base/ensure.hpp"
#include "common/tunnel/content.hpp"
#include "edgecore/link/link_state.hpp"
#include "tests/support/fuzz_input.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace farhold;
using namespace farhold::link;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kStepsMax = 400;

class World {
public:
    explicit World(test::FuzzInput& in) : in_(in), state_({.version = "test"}, now()) {
        desired_ = store::DesiredState({}, in_.flag());
        feed(event::Tick{});
    }

    void step() {
        switch (in_.below(24)) {
            case 0:
            case 1:
                return finish_dialing();
            case 2:
                return send_welcome();
            case 3:
            case 4:
            case 5:
                return send_batch();
            case 6:
            case 7:
                return finish_storing();
            case 8:
                return acknowledge();
            case 9:
                return receive(tunnel::Pong{in_.number(), WallTime(Duration(signed_number()))});
            case 10:
                return receive(tunnel::Certificate{std::string(in_.text()), text_or_none()});
            case 11:
                return send_goodbye();
            case 12:
                return send_rubbish();
            case 13:
                return receive(tunnel::Committed{in_.number()});
            case 14:
                return finish_acknowledging();
            case 15:
                return put_durable();
            case 16:
            case 17:
                return submit();
            case 18:
                return feed(event::Forgotten{some_key()});
            case 19:
                return feed(event::RenewalDue{std::string(in_.text())});
            case 20:
                if (in_.byte() > 0xf0 && connected_) {
                    connected_ = false;
                    batches_.clear();
                    return feed(event::Closed{"broken"});
                }
                return feed(event::Beat{});
            case 22:
                return feed(event::TokenWanted{some_wish()});
            default:
                return send_token();
            case 21:
                return advance(Duration(std::chrono::milliseconds(100)) * in_.byte());
        }
    }

    // Left alone with a disk that works and no hub, it tries again.
    void finish() {
        if (store_) {
            finish_storing();
        }
        advance(2min);
        ensure(dialing_, "there is a next attempt");
    }

private:
    Now now() const { return {Instant(time_), WallTime(time_) + 1h}; }

    std::int64_t signed_number() { return static_cast<std::int64_t>(in_.number()); }
    std::string text_or_none() { return in_.flag() ? std::string(in_.text()) : std::string(); }
    std::string some_name() { return std::string(1, static_cast<char>('a' + in_.below(4))); }
    std::string some_uid() { return std::string(1, static_cast<char>('1' + in_.below(3))); }
    tunnel::TokenWish some_wish() {
        return {
            .ns = "default",
            .pod = some_name(),
            .pod_uid = "u",
            .service_account = "s",
            .audience = {},
            .expiration_seconds = 600,
        };
    }
    std::string some_key() { return "PodStatus/default/" + some_name(); }

    void feed(const Event& event) {
        const StoreView view{meta_, desired_, outbox_};
        for (Action& action : state_.on_event(event, view, now(), random_)) {
            std::visit([this](auto& one) { act(one); }, action);
        }
        ensure(connected_ || batches_.empty(), "a session takes its batches with it");
        ensure(may_confirm_ == 0 || !connected_, "what is stored is confirmed at once");
    }

    void receive(const tunnel::Message& message) {
        if (!connected_) {
            return;
        }
        heard_ = time_;
        for (std::string& bytes : from_hub_.write(message)) {
            (void)at_machine_.read(bytes);
            feed(event::Received{std::move(bytes)});
        }
    }

    // What is a frame after all is left to tunnel_frame.
    void send_rubbish() {
        std::string bytes(in_.text());
        tunnel::FrameReader reader = at_machine_;
        if (connected_ && !reader.read(bytes)) {
            heard_ = time_;
            feed(event::Received{std::move(bytes)});
        }
    }

    void finish_dialing() {
        if (!std::exchange(dialing_, false)) {
            return;
        }
        const std::size_t outcome = in_.below(8);
        if (outcome == 0) {
            return feed(event::DialFailed{Error(ErrorCode::unavailable, "away")});
        }
        if (outcome == 1) {
            return feed(event::DialFailed{Error(ErrorCode::unauthenticated, "stranger")});
        }
        connected_ = true;
        heard_ = time_;
        from_machine_ = {};
        from_hub_ = {};
        at_machine_ = {};
        said_hello_ = false;
        last_batch_ = 0;
        ordinal_ = 0;
        last_seq_ = 0;
        in_flight_.clear();
        asked_tokens_.clear();
        last_token_ = 0;
        batches_.clear();
        may_confirm_ = 0;
        feed(event::Dialed{});
        ensure(said_hello_, "the machine speaks first");
    }

    void send_welcome() {
        tunnel::Welcome welcome;
        welcome.epoch = in_.number();
        welcome.cluster_uid = "c";
        welcome.hub_time = WallTime(Duration(signed_number()));
        welcome.mode = static_cast<tunnel::SyncMode>(in_.below(3));
        welcome.acked_seq = in_.number();
        receive(welcome);
    }

    void send_batch() {
        tunnel::Batch batch;
        batch.id = in_.byte() < 0xf8 ? last_batch_ + 1 : in_.number();
        batch.more = in_.flag();
        for (std::size_t i = in_.below(4); i > 0; --i) {
            tunnel::Upsert upsert;
            upsert.key = {"ConfigMap", "default", some_name()};
            upsert.uid = some_uid();
            upsert.resource_version = "1";
            upsert.content = std::make_shared<const std::string>(in_.text());
            upsert.hash = tunnel::content_hash(*upsert.content);
            upsert.encoding = in_.byte() < 0xf8 ? tunnel::kEncodingJson : 2;
            if (in_.byte() > 0xf8) {
                upsert.hash[0] ^= 1;
            }
            batch.upserts.push_back(std::move(upsert));
        }
        for (std::size_t i = in_.below(3); i > 0; --i) {
            batch.removals.push_back({{"ConfigMap", "default", some_name()}, some_uid()});
        }
        if (in_.byte() > 0xc0) {
            batch.digest = desired_.digest();
        }
        if (connected_) {
            batches_.push_back(batch);
            last_batch_ = batch.id;
        }
        receive(batch);
    }

    void finish_storing() {
        if (!store_) {
            return;
        }
        const store::StoreBatch batch = std::move(*store_);
        store_.reset();
        const bool of_session = std::exchange(storing_batch_, false) && connected_;
        if (in_.byte() > 0xf0) {
            if (of_session) {
                batches_.pop_front();
            }
            return feed(event::StoreFailed{Error(ErrorCode::internal, "disk full")});
        }
        desired_.apply(batch);
        if (of_session) {
            may_confirm_ = batches_.front().id;
            batches_.pop_front();
        }
        feed(event::Stored{});
    }

    void acknowledge() {
        tunnel::ReportsAck ack;
        for (std::size_t i = in_.below(6); i > 0; --i) {
            const std::uint64_t ordinal =
                in_.byte() < 0xf8 && !in_flight_.empty() ? in_flight_.begin()->first : in_.number();
            in_flight_.erase(ordinal);
            if (in_.byte() < 0xe0) {
                ack.handled.push_back(ordinal);
            } else {
                ack.refused.push_back({ordinal, std::string(in_.text())});
            }
        }
        receive(ack);
    }

    void finish_acknowledging() {
        if (acknowledged_.empty()) {
            return;
        }
        const action::AckReports ack = std::move(acknowledged_.front());
        acknowledged_.pop_front();
        if (in_.byte() > 0xf0) {
            return feed(event::AcksNotStored{Error(ErrorCode::internal, "disk full")});
        }
        for (const std::uint64_t seq : ack.seqs) {
            outbox_.acknowledge(seq);
        }
        feed(event::OutboxChanged{});
    }

    void put_durable() {
        const std::uint64_t before = outbox_.seq_high();
        auto row = outbox_.put(some_key(), some_uid(), std::string(in_.text()));
        if (row) {
            ensure(row->seq > before, "numbers of reports rise");
            outbox_.stored(std::move(*row));
            feed(event::OutboxChanged{});
        }
    }

    void submit() {
        const bool is_event = in_.flag();
        feed(event::Submitted{
            .cls = is_event ? tunnel::ReportClass::event : tunnel::ReportClass::derived,
            .key = is_event ? "Event/default/" + some_name() : some_key(),
            .uid = some_uid(),
            .body = std::string(in_.text()),
        });
    }

    void send_token() {
        tunnel::Token token{.id = in_.number()};
        if (in_.flag()) {
            token.token = "jwt";
        } else {
            token.refusal = "no";
        }
        receive(token);
    }

    void send_goodbye() {
        const auto reason = static_cast<tunnel::GoodbyeReason>(in_.below(9));
        receive(tunnel::Goodbye{reason, std::string(in_.text())});
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
        ensure(!connected_ || time_ < heard_ + tunnel::kSilenceMax, "silence ends a session");
        ensure(state_.wake_at() || dialing_ || store_, "there is always something to wait for");
    }

    void act(action::Dial& /*action*/) {
        ensure(!connected_ && !store_ && !std::exchange(dialing_, true), "one attempt at a time");
    }
    void act(action::Send& action) {
        ensure(connected_, "only a session sends");
        auto read = from_machine_.read(action.bytes);
        ensure(read.has_value(), "the hub can read what the machine sends");
        if (*read) {
            std::visit([this](auto& one) { hear(one); }, **read);
        }
    }
    void act(action::Close& /*action*/) {
        ensure(std::exchange(connected_, false), "a session ends once");
        batches_.clear();
    }
    void act(action::Store& action) {
        ensure(!store_, "one commit at a time");
        storing_batch_ = !batches_.empty();
        store_ = std::move(action.batch);
    }
    void act(action::AckReports& action) { acknowledged_.push_back(std::move(action)); }
    void act(action::ReportRefused& action) { ensure(!action.key.empty(), "a report has a key"); }
    void act(action::TokenAnswered& action) {
        ensure(asked_tokens_.erase(action.token.id) == 1, "what was asked for is answered once");
    }
    void act(action::RaiseSequence& action) {
        ensure(action.seq_high > outbox_.seq_high(), "numbers are only raised");
        outbox_.raise_sequence(action.seq_high);
    }
    void act(action::StoreWentBack& /*action*/) {}
    void act(action::RequestRenewal& /*action*/) {}
    void act(action::AdoptCertificate& /*action*/) {}
    void act(action::ProveTime& /*action*/) {}
    void act(action::StateChanged& /*action*/) {}

    void hear(tunnel::Hello& hello) {
        ensure(!std::exchange(said_hello_, true), "one hello");
        ensure(hello.digest == desired_.digest(), "the digest of what is stored");
        ensure(hello.seq_high == outbox_.seq_high(), "the newest number");
    }
    void hear(tunnel::Inventory& inventory) {
        ensure(inventory.last && inventory.entries.size() == desired_.size(), "all that is held");
    }
    void hear(tunnel::Committed& committed) {
        ensure(std::exchange(may_confirm_, 0) == committed.id, "what is confirmed is stored");
    }
    void hear(tunnel::Reports& reports) {
        for (const tunnel::Report& report : reports.reports) {
            in_flight_.emplace(++ordinal_, report.seq);
            const store::ReportRow* waiting = outbox_.find(report.key);
            if (report.cls == tunnel::ReportClass::durable) {
                ensure(waiting != nullptr && waiting->seq == report.seq, "as it is in the outbox");
                ensure(report.seq > last_seq_, "durable reports go in their order");
                last_seq_ = report.seq;
            } else if (report.cls == tunnel::ReportClass::derived) {
                ensure(waiting == nullptr, "never after a durable report that still waits");
            }
        }
        ensure(in_flight_.size() <= tunnel::kReportWindow, "the report window");
    }
    void hear(tunnel::Ping& ping) {
        ensure(ping.loop_beat_age >= Duration::zero(), "a beat was in the past");
    }
    void hear(tunnel::RenewCertificate& /*renew*/) {}
    void hear(tunnel::TokenRequest& request) {
        for (const auto& [id, wish] : asked_tokens_) {
            ensure(wish != request.wish, "a token is asked for once at a time");
        }
        asked_tokens_.emplace(request.id, request.wish);
        ensure(request.id == ++last_token_, "requests are numbered");
        ensure(asked_tokens_.size() <= tunnel::kTokenWindow, "the window of tokens");
    }
    template <class T>
    void hear(T& /*other*/) {
        ensure(false, "only machines' messages come from a machine");
    }

    test::FuzzInput& in_;
    Duration time_ = 1s;
    Duration heard_ = 1s;
    Random random_{5};
    store::StoreMeta meta_{.store_uuid = "s", .generation = 2, .boot_id = "b"};
    store::DesiredState desired_;
    store::Outbox outbox_;
    LinkState state_;
    tunnel::FrameReader from_machine_;
    tunnel::FrameWriter from_hub_;
    tunnel::FrameReader at_machine_;  // Reads along with the machine.

    bool dialing_ = false;
    bool connected_ = false;
    bool said_hello_ = false;
    std::optional<store::StoreBatch> store_;
    bool storing_batch_ = false;         // And not only that the store is complete.
    std::deque<tunnel::Batch> batches_;  // Of this session, not stored.
    std::uint64_t last_batch_ = 0;
    std::uint64_t may_confirm_ = 0;
    std::deque<action::AckReports> acknowledged_;
    std::map<std::uint64_t, std::uint64_t> in_flight_;  // Ordinal to seq.
    std::uint64_t ordinal_ = 0;
    std::map<std::uint64_t, tunnel::TokenWish> asked_tokens_;
    std::uint64_t last_token_ = 0;
    std::uint64_t last_seq_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    World world(in);
    for (std::size_t i = 0; i < kStepsMax && !in.at_end(); ++i) {
        world.step();
    }
    world.finish();
    return 0;
}
