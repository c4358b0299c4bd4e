// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/link_state.hpp"

#include "edgecore/link/link_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::link {

namespace {

constexpr Duration kRoomWaitFirst = std::chrono::seconds(1);
constexpr Duration kRoomWaitLast = std::chrono::seconds(30);

}  // namespace

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::disconnected:
            return "disconnected";
        case Phase::dialing:
            return "dialing";
        case Phase::hello:
            return "hello";
        case Phase::syncing:
            return "syncing";
        case Phase::live:
            return "live";
        case Phase::renewing:
            return "renewing";
    }
    return "unknown";
}

std::string_view to_string(EndReason reason) {
    switch (reason) {
        case EndReason::unreachable:
            return "unreachable";
        case EndReason::refused:
            return "refused";
        case EndReason::lost:
            return "lost";
        case EndReason::silent:
            return "silent";
        case EndReason::not_welcomed:
            return "not_welcomed";
        case EndReason::dismissed:
            return "dismissed";
        case EndReason::protocol_error:
            return "protocol_error";
        case EndReason::store_failed:
            return "store_failed";
        case EndReason::digest_mismatch:
            return "digest_mismatch";
        case EndReason::renewed:
            return "renewed";
        case EndReason::not_renewed:
            return "not_renewed";
    }
    return "unknown";
}

std::string_view to_string(QueueBound bound) {
    switch (bound) {
        case QueueBound::events:
            return "events";
        case QueueBound::keys:
            return "keys";
        case QueueBound::report_bytes:
            return "report_bytes";
    }
    return "unknown";
}

LinkState::LinkState(LinkConfig config, Now now)
    : config_(std::move(config)),
      backoff_(config_.redial_base, config_.redial_cap),
      dial_at_(now.mono),
      beat_(now.mono) {
    status_.since = now.mono;
    status_.down_since = now.mono;
}

Actions LinkState::on_event(const Event& event, const StoreView& store, Now now, Random& random) {
    Step step{.store = store, .now = now, .random = random, .actions = {}};
    std::visit([&](const auto& one) { handle(one, step); }, event);
    store_next(step);
    send_reports(step);
    send_token_requests(step);
    dial_if_due(step);
    return std::move(step.actions);
}

std::optional<Instant> LinkState::wake_at() const {
    std::optional<Instant> wake;
    const auto at = [&wake](Instant instant) { wake = std::min(wake.value_or(instant), instant); };
    if (status_.phase == Phase::disconnected && storing_ == Storing::nothing) {
        at(dial_at_);
    }
    if (session_) {
        if (room_at_ && storing_ == Storing::nothing && !session_->batches.empty()) {
            at(*room_at_);
        }
        at(session_->next_ping);
        at(session_->heard + tunnel::kSilenceMax);
        if (status_.phase == Phase::hello) {
            at(session_->opened + config_.welcome_timeout);
        }
    }
    return wake;
}

void LinkState::handle(const event::Dialed& /*event*/, Step& step) {
    const Instant now = step.now.mono;
    ++status_.counters.connects;
    session_.emplace();
    session_->opened = now;
    session_->heard = now;
    session_->next_ping = now + tunnel::kPingInterval;
    reports_.begin_session(step.store.meta.seq_at_start);
    tokens_.begin_session();
    enter(Phase::hello, step);
    const StoreView& store = step.store;
    send(
        tunnel::Hello{
            .protocol = tunnel::kProtocol,
            .version = config_.version,
            .store_uuid = store.meta.store_uuid,
            .generation = store.meta.generation,
            .boot_id = store.meta.boot_id,
            .seq_high = store.outbox.seq_high(),
            .digest = store.desired.digest(),
            .objects = store.desired.size(),
            .process = config_.process,
            .reports_lost = store.meta.reports_lost,
        },
        step
    );
}

void LinkState::handle(const event::DialFailed& event, Step& step) {
    status_.refused = event.error.code() == ErrorCode::permission_denied;
    if (event.reach == Reach::stalled) {
        suspect_large_segments(true, step.now);
    }
    Return when = event.reach == Reach::nobody ? Return::at_once : Return::soon;
    if (status_.refused) {
        when = Return::slowly;
    }
    const bool is_stranger = event.error.code() == ErrorCode::unauthenticated;
    const std::string who = is_stranger ? "what answers has not proved to be the hub: " : "";
    end_session(
        status_.refused ? EndReason::refused : EndReason::unreachable, who + event.error.message(),
        when, step
    );
}

void LinkState::handle(const event::Heard& event, Step& /*step*/) {
    if (session_) {
        session_->heard = std::max(session_->heard, event.at);
    }
}

void LinkState::handle(const event::Received& event, Step& step) {
    if (!session_) {
        return;
    }
    session_->heard = step.now.mono;
    session_->unread_bytes += event.bytes.size();
    auto message = session_->reader.read(event.bytes);
    if (!message) {
        protocol_error(message.error().message(), step);
    } else if (*message) {
        status_.counters.received.count(**message, std::exchange(session_->unread_bytes, 0));
        std::visit(
            [&]<class T>(T& one) {
                if constexpr (requires { receive(one, step); }) {
                    receive(one, step);
                } else {
                    protocol_error("only machines send that", step);
                }
            },
            **message
        );
    }
}

void LinkState::handle(const event::Closed& event, Step& step) {
    if (session_) {
        end_session(EndReason::lost, event.reason, Return::soon, step);
    }
}

void LinkState::handle(const event::StreamsBroken& event, Step& step) {
    if (session_) {
        protocol_error(event.reason, step);
    }
}

void LinkState::handle(const event::Stored& /*event*/, Step& step) {
    const Storing stored = std::exchange(storing_, Storing::nothing);
    // No session begins while the store is at work, so the batch is one of this session or of none.
    if (stored == Storing::batch) {
        room_at_.reset();
        room_wait_ = Duration{};
        ++status_.counters.batches_stored;
        if (session_) {
            batch_stored(step);
        }
    }
}

void LinkState::handle(const event::StoreFailed& event, Step& step) {
    way_out_failed_ = std::exchange(storing_, Storing::nothing) == Storing::way_out;
    if (event.error.code() == ErrorCode::resource_exhausted) {
        wait_for_room(event.error.message(), step);
    } else {
        store_failed(event.error, step);
    }
}

void LinkState::handle(const event::Submitted& event, Step& /*step*/) {
    tunnel::Report report{
        .cls = event.cls, .key = event.key, .uid = event.uid, .seq = 0, .body = event.body
    };
    const bool is_event = report.cls == tunnel::ReportClass::event;
    const bool too_long = report.body.size() > tunnel::kReportBytesMax;
    if (!reports_.submit(std::move(report))) {
        const QueueBound bound = too_long   ? QueueBound::report_bytes
                                 : is_event ? QueueBound::events
                                            : QueueBound::keys;
        ++status_.counters.reports_dropped.at(static_cast<std::size_t>(bound));
    }
}

void LinkState::handle(const event::Forgotten& event, Step& /*step*/) {
    reports_.forget(event.key);
}

void LinkState::handle(const event::TokenWanted& event, Step& step) {
    // Kubernetes bounds no audience, and what is too long for a frame would end every session.
    if (std::max(event.wish.audience.size(), event.wish.service_account.size()) >
        tunnel::kTextBytesMax) {
        tunnel::Token refused{.refusal = "the audience or the ServiceAccount's name is too long"};
        step.actions.emplace_back(action::TokenAnswered{event.wish, std::move(refused)});
        return;
    }
    tokens_.want(event.wish);
}

// on_event looks into the outbox after every event.
void LinkState::handle(const event::OutboxChanged& /*event*/, Step& /*step*/) {}

void LinkState::handle(const event::AcksNotStored& event, Step& step) {
    store_failed(event.error, step);
}

void LinkState::handle(const event::RenewalDue& event, Step& step) {
    renewal_ = event.request_pem;
    send_renewal(step);
}

void LinkState::handle(const event::Beat& /*event*/, Step& step) {
    beat_ = step.now.mono;
}

void LinkState::handle(const event::Tick& /*event*/, Step& step) {
    if (!session_) {
        return;
    }
    const Instant now = step.now.mono;
    if (now >= session_->heard + tunnel::kSilenceMax) {
        silent(step);
    } else if (status_.phase == Phase::hello && now >= session_->opened + config_.welcome_timeout) {
        close(EndReason::not_welcomed, "the hub does not welcome this machine", Return::soon, step);
    } else if (now >= session_->next_ping) {
        session_->next_ping = now + tunnel::kPingInterval;
        session_->ping_sent = now;
        const tunnel::Ping ping{.id = ++session_->ping, .loop_beat_age = now - beat_};
        send(ping, step);
    }
}

bool LinkState::in_phase(std::initializer_list<Phase> phases) const {
    return std::ranges::find(phases, status_.phase) != phases.end();
}

void LinkState::enter(Phase phase, Step& step) {
    if (status_.phase == phase) {
        return;
    }
    if (status_.phase == Phase::live) {
        status_.down_since = step.now.mono;
    }
    status_.phase = phase;
    status_.since = step.now.mono;
    if (phase == Phase::live) {
        ++status_.counters.sessions;
        session_->live_since = step.now.mono;
        status_.trouble.clear();
    }
    step.actions.emplace_back(action::StateChanged{});
}

void LinkState::send(const tunnel::Message& message, Step& step) {
    std::size_t size = 0;
    for (std::string& bytes : session_->writer.write(message)) {
        size += bytes.size();
        step.actions.emplace_back(action::Send{std::move(bytes)});
    }
    status_.counters.sent.count(message, size);
}

void LinkState::dial_if_due(Step& step) {
    if (status_.phase == Phase::disconnected && storing_ == Storing::nothing &&
        step.now.mono >= dial_at_) {
        ++status_.counters.dials;
        dialed_at_ = step.now.mono;
        if (dialed_at_ - small_segments_since_ > config_.small_segments_for) {
            status_.small_segments = false;
        }
        enter(Phase::dialing, step);
        step.actions.emplace_back(action::Dial{.small_segments = status_.small_segments});
    }
}

void LinkState::store_failed(const Error& error, Step& step) {
    ++status_.counters.store_failures;
    if (session_) {
        close(EndReason::store_failed, "store: " + error.message(), Return::soon, step);
    }
}

// The session lives on: heartbeats go, reports go, and the batch is not confirmed until it is stored.
void LinkState::wait_for_room(const std::string& reason, Step& step) {
    ++status_.counters.store_failures;
    room_wait_ = std::clamp(room_wait_ * 2, kRoomWaitFirst, kRoomWaitLast);
    room_at_ = step.now.mono + room_wait_;
    // A hub whose window is full cannot tell of deletions; a new session begins with all of them.
    if (session_ && session_->batches.size() >= tunnel::kBatchWindow) {
        close(EndReason::store_failed, "store: " + reason, Return::slowly, step);
    }
}

void LinkState::protocol_error(const std::string& what, Step& step) {
    ++status_.counters.protocol_errors;
    close(EndReason::protocol_error, "protocol error: " + what, Return::soon, step);
}

void LinkState::close(EndReason why, const std::string& reason, Return when, Step& step) {
    const bool unheard = why == EndReason::silent;
    step.actions.emplace_back(action::Close{.reason = reason, .unheard = unheard});
    end_session(why, reason, when, step);
}

// A hub that has welcomed us does not fall silent, its path does. One that never has may be somebody
// else, and is not pressed.
void LinkState::silent(Step& step) {
    const auto live_since = session_->live_since;
    if (!live_since || step.now.mono - *live_since < config_.good_session) {
        suspect_large_segments(false, step.now);
    }
    const Return when = live_since ? Return::at_once : Return::soon;
    close(EndReason::silent, "the hub is silent", when, step);
}

void LinkState::suspect_large_segments(bool strongly, Now now) {
    // An attempt that connects and then stalls is enough; a session that falls silent soon is so
    // only if the next one does it too.
    constexpr int kEnough = 2;
    stalls_ += strongly ? kEnough : 1;
    if (stalls_ >= kEnough) {
        stalls_ = 0;
        status_.small_segments = !status_.small_segments;
        small_segments_since_ = now.mono;
    }
}

Duration LinkState::wait_before(Return when, bool was_good, Step& step) {
    Random& random = step.random;
    const auto between = [&random](Duration low, Duration high) {
        return Duration(static_cast<Duration::rep>(random.between(
            static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count())
        )));
    };
    if (when == Return::slowly) {
        return between(config_.redial_cap / 2, config_.redial_cap);
    }
    if (when == Return::at_once || was_good) {
        const bool was_live = session_ && session_->live_since;
        const bool long_gone = step.now.mono - status_.down_since >= config_.long_outage;
        return was_live || !long_gone
                   ? between(Duration(0), config_.dial_interval)
                   : between(config_.long_outage_interval / 2, config_.long_outage_interval);
    }
    return backoff_.next(random);
}

void LinkState::end_session(EndReason why, const std::string& reason, Return when, Step& step) {
    ++status_.counters.ended.at(static_cast<std::size_t>(why));
    const Instant now = step.now.mono;
    const bool was_good =
        session_ && session_->live_since && now - *session_->live_since >= config_.good_session;
    if (was_good) {
        backoff_.reset();
        stalls_ = 0;
    }
    const Duration wait = wait_before(when, was_good, step);
    dial_at_ = std::max(now + wait, dialed_at_ + config_.dial_interval);
    session_.reset();
    status_.trouble = reason;
    status_.rtt.reset();
    enter(Phase::disconnected, step);
}

}  // namespace farhold::link
