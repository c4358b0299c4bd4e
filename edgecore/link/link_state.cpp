// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/link_state.hpp"

#include "edgecore/link/link_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::link {

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
    reports_.begin_session();
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
        },
        step
    );
}

void LinkState::handle(const event::DialFailed& event, Step& step) {
    const ErrorCode code = event.error.code();
    status_.refused = code == ErrorCode::unauthenticated || code == ErrorCode::permission_denied;
    end_session(
        status_.refused ? EndReason::refused : EndReason::unreachable, event.error.message(),
        status_.refused ? Return::slowly : Return::soon, step
    );
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

void LinkState::handle(const event::Stored& /*event*/, Step& step) {
    const Storing stored = std::exchange(storing_, Storing::nothing);
    // No session begins while the store is at work, so the batch is one of this session or of none.
    if (stored == Storing::batch) {
        ++status_.counters.batches_stored;
        if (session_) {
            batch_stored(step);
        }
    }
}

void LinkState::handle(const event::StoreFailed& event, Step& step) {
    storing_ = Storing::nothing;
    store_failed(event.error, step);
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
        close(EndReason::silent, "the hub is silent", Return::soon, step);
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
        enter(Phase::dialing, step);
        step.actions.emplace_back(action::Dial{});
    }
}

void LinkState::store_failed(const Error& error, Step& step) {
    ++status_.counters.store_failures;
    if (session_) {
        close(EndReason::store_failed, "store: " + error.message(), Return::soon, step);
    }
}

void LinkState::protocol_error(const std::string& what, Step& step) {
    ++status_.counters.protocol_errors;
    close(EndReason::protocol_error, "protocol error: " + what, Return::soon, step);
}

void LinkState::close(EndReason why, const std::string& reason, Return when, Step& step) {
    step.actions.emplace_back(action::Close{reason});
    end_session(why, reason, when, step);
}

void LinkState::end_session(EndReason why, const std::string& reason, Return when, Step& step) {
    ++status_.counters.ended.at(static_cast<std::size_t>(why));
    session_.reset();
    status_.trouble = reason;
    status_.rtt.reset();
    const Instant now = step.now.mono;
    if (when == Return::slowly) {
        const auto cap = static_cast<std::uint64_t>(config_.redial_cap.count());
        const auto wait = step.random.between(cap / 2, cap);
        dial_at_ = now + Duration(static_cast<Duration::rep>(wait));
    } else {
        dial_at_ = now + backoff_.next(step.random);
    }
    enter(Phase::disconnected, step);
}

}  // namespace farhold::link
