// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/session_state.hpp"

#include "cloudcore/hub/session_step.hpp"
#include "common/base/ensure.hpp"

#include <algorithm>
#include <utility>

namespace farhold::hub {

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::hello:
            return "hello";
        case Phase::admission:
            return "admission";
        case Phase::view:
            return "view";
        case Phase::inventory:
            return "inventory";
        case Phase::doubt:
            return "doubt";
        case Phase::syncing:
            return "syncing";
        case Phase::live:
            return "live";
        case Phase::renew_only:
            return "renew-only";
        case Phase::closed:
            return "closed";
    }
    return "unknown";
}

SessionState::SessionState(SessionConfig config, Now now)
    : config_(std::move(config)), heard_(now.mono), reports_(now.mono) {}

Actions SessionState::on_event(const Event& event, ViewAccess& access, Now now) {
    Step step{.access = access, .now = now, .actions = {}};
    if (phase_ == Phase::closed) {
        return {};
    }
    std::visit([&](const auto& one) { handle(one, step); }, event);
    welcome_if_ready(step);
    send_batches(step);
    work_on_reports(step);
    return std::move(step.actions);
}

std::optional<Instant> SessionState::wake_at() const {
    if (phase_ == Phase::closed) {
        return std::nullopt;
    }
    const Instant silent = heard_ + tunnel::kSilenceMax;
    return std::min(reports_.wake_at().value_or(silent), silent);
}

void SessionState::handle(const event::Received& event, Step& step) {
    heard_ = step.now.mono;
    unread_bytes_ += event.bytes.size();
    auto message = reader_.read(event.bytes);
    if (!message) {
        protocol_error(message.error().message(), step);
    } else if (*message) {
        counters_.received.count(**message, std::exchange(unread_bytes_, 0));
        dispatch(**message, step);
    }
}

void SessionState::handle(const event::Heard& event, Step& /*step*/) {
    heard_ = std::max(heard_, event.at);
}

void SessionState::handle(const event::Closed& /*event*/, Step& /*step*/) {
    phase_ = Phase::closed;
}

void SessionState::handle(const event::Admitted& event, Step& step) {
    ensure(phase_ == Phase::admission, "a session is admitted once");
    epoch_ = event.epoch;
    acked_seq_ = event.acked_seq;
    store_went_back_ = event.store_went_back;
    if (store_went_back_) {
        step.actions.emplace_back(action::StoreWentBack{hello_.seq_high, acked_seq_});
    }
    phase_ = Phase::view;
}

void SessionState::handle(const event::NotAdmitted& event, Step& step) {
    close(event.reason, event.text, step);
}

void SessionState::handle(const event::ViewChanged& event, Step& step) {
    if (phase_ != Phase::syncing && phase_ != Phase::live) {
        return;  // Before the comparison the whole view counts, as it is then.
    }
    const views::NodeView& view = step.access.view();
    for (const views::ViewChange& change : event.changes) {
        if (!change.removed_uid.empty()) {
            pending_.remove(change.key, change.removed_uid);
        } else if (view.find(change.key) != nullptr) {
            pending_.upsert(change.key);
        }
        const auto kept = kept_.find(change.key);
        if (kept == kept_.end() || view.is_unsettled(change.key, kept->second)) {
            continue;
        }
        if (view.find(change.key) == nullptr) {
            pending_.remove(change.key, kept->second);
        }
        kept_.erase(kept);
    }
    sync_due_ = sync_due_ || (told_kept_back_ && !view.keeps_back_pods());
}

void SessionState::handle(const event::Applied& event, Step& step) {
    using Kind = ApplyOutcome::Kind;
    if (event.outcome.kind == Kind::fenced) {
        close(tunnel::GoodbyeReason::fenced, event.outcome.reason, step);
        return;
    }
    const auto report = reports_.settle(event.ordinal, event.outcome, step.now.mono);
    if (!report) {
        return;
    }
    acked_seq_ = std::max(acked_seq_, report->seq);
    ++counters_.reports_handled;
    counters_.reports_refused += event.outcome.kind == Kind::refused ? 1 : 0;
    counters_.reports_superseded += event.outcome.kind == Kind::superseded ? 1 : 0;
}

void SessionState::handle(const event::AbsenceChecked& event, Step& step) {
    using tunnel::GoodbyeReason;
    switch (event.absence) {
        case event::Absence::all_gone:
            begin_sync(step);
            break;
        case event::Absence::behind:
            close(GoodbyeReason::not_ready, "the machine knows more than this hub", step);
            break;
        case event::Absence::unknown:
            close(GoodbyeReason::not_ready, "Kubernetes does not answer", step);
            break;
    }
}

void SessionState::handle(const event::LeaseAnswered& event, Step& step) {
    renewing_lease_ = false;
    switch (event.outcome) {
        case event::LeaseOutcome::renewed:
            break;
        case event::LeaseOutcome::failed:
            lease_renewed_.reset();  // The next heartbeat tries again.
            break;
        case event::LeaseOutcome::lost:
            close(tunnel::GoodbyeReason::fenced, "the lease has a newer epoch", step);
            break;
    }
}

void SessionState::handle(const event::CertificateIssued& event, Step& step) {
    signing_ = false;
    send(tunnel::Certificate{event.certificate_pem, event.refusal}, step);
}

void SessionState::handle(const event::TokenMinted& event, Step& step) {
    --minting_;
    send_token(event.token, step);
}

void SessionState::handle(const event::Dismissed& event, Step& step) {
    close(event.reason, event.text, step);
}

void SessionState::handle(const event::Tick& /*event*/, Step& step) {
    if (step.now.mono >= heard_ + tunnel::kSilenceMax) {
        phase_ = Phase::closed;
        step.actions.emplace_back(action::Close{.reason = "the machine is silent"});
    }
}

bool SessionState::welcomed() const {
    return phase_ == Phase::inventory || phase_ == Phase::doubt || phase_ == Phase::syncing ||
           phase_ == Phase::live;
}

void SessionState::send(const tunnel::Message& message, Step& step) {
    std::size_t size = 0;
    for (std::string& bytes : writer_.write(message)) {
        size += bytes.size();
        step.actions.emplace_back(action::Send{std::move(bytes)});
    }
    counters_.sent.count(message, size);
}

void SessionState::protocol_error(const std::string& what, Step& step) {
    close(tunnel::GoodbyeReason::protocol, what, step);
}

void SessionState::close(tunnel::GoodbyeReason reason, const std::string& text, Step& step) {
    send(tunnel::Goodbye{reason, text}, step);
    std::string sentence(tunnel::to_string(reason));
    if (!text.empty()) {
        sentence += ": " + text;
    }
    step.actions.emplace_back(action::Close{
        .reason = std::move(sentence),
        .protocol_error = reason == tunnel::GoodbyeReason::protocol,
    });
    phase_ = Phase::closed;
}

}  // namespace farhold::hub
