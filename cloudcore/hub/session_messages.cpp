// SPDX-License-Identifier: Apache-2.0
//
// SessionState's part that answers the machine and tells it its view.
#include "cloudcore/hub/session_step.hpp"
#include "cloudcore/hub/token_rules.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::hub {

void SessionState::dispatch(tunnel::Message& message, Step& step) {
    const bool first = std::holds_alternative<tunnel::Hello>(message);
    if (first != (phase_ == Phase::hello)) {
        protocol_error(
            fmt::format("{} in phase {}", tunnel::name_of(message), to_string(phase_)), step
        );
        return;
    }
    std::visit(
        [&]<class T>(T& one) {
            if constexpr (requires { receive(one, step); }) {
                receive(one, step);
            } else {
                protocol_error("only hubs send that", step);
            }
        },
        message
    );
}

void SessionState::receive(tunnel::Hello& hello, Step& step) {
    if (hello.protocol != tunnel::kProtocol) {
        close(
            tunnel::GoodbyeReason::unsupported_version,
            fmt::format("{}, this hub speaks {}", hello.protocol, tunnel::kProtocol), step
        );
        return;
    }
    if (config_.renew_only) {
        phase_ = Phase::renew_only;
        const tunnel::Welcome welcome{
            .cluster_uid = config_.cluster_uid,
            .hub_time = step.now.wall,
            .mode = tunnel::SyncMode::renew_only,
        };
        send(welcome, step);
        return;
    }
    hello_ = std::move(hello);
    phase_ = Phase::admission;
    step.actions.emplace_back(action::Admit{hello_});
}

void SessionState::welcome_if_ready(Step& step) {
    if (phase_ != Phase::view || !step.access.ready()) {
        return;
    }
    const views::NodeView& view = step.access.view();
    const bool in_sync = hello_.digest == view.digest() && !view.keeps_back_pods();
    const tunnel::Welcome welcome{
        .epoch = epoch_,
        .cluster_uid = config_.cluster_uid,
        .hub_time = step.now.wall,
        .mode = in_sync ? tunnel::SyncMode::in_sync : tunnel::SyncMode::need_inventory,
        .acked_seq = acked_seq_,
        .store_went_back = store_went_back_,
    };
    send(welcome, step);
    phase_ = in_sync ? Phase::live : Phase::inventory;
    if (in_sync) {
        step.actions.emplace_back(action::InSync{});
    }
}

void SessionState::receive(tunnel::Inventory& inventory, Step& step) {
    if (phase_ != Phase::inventory) {
        protocol_error(fmt::format("Inventory in phase {}", to_string(phase_)), step);
        return;
    }
    if (held_.size() + inventory.entries.size() > config_.inventory_max) {
        protocol_error("inventory too long", step);
        return;
    }
    for (tunnel::InventoryEntry& entry : inventory.entries) {
        views::HeldObject held{std::move(entry.uid), std::move(entry.hash), entry.encoding};
        if (!held_.emplace(std::move(entry.key), std::move(held)).second) {
            protocol_error("inventory with a key that stands twice", step);
            return;
        }
    }
    if (inventory.last) {
        compare(step);
    }
}

// Another hub may have told the machine what this one does not know yet: what the machine holds
// beyond the view is taken away only after Kubernetes itself has said that it is gone.
void SessionState::compare(Step& step) {
    const views::ViewDiff diff = views::compare(step.access.view(), held_);
    if (diff.doubts.empty()) {
        begin_sync(step);
        return;
    }
    phase_ = Phase::doubt;
    action::ConfirmGone confirm;
    for (const object::ObjectKey& key : diff.doubts) {
        confirm.objects.push_back({key, held_.at(key).uid});
    }
    step.actions.emplace_back(std::move(confirm));
}

void SessionState::begin_sync(Step& step) {
    const views::HeldObjects held = std::exchange(held_, {});
    const views::ViewDiff diff = views::compare(step.access.view(), held);
    for (const views::ViewObjectPtr& object : diff.upserts) {
        pending_.upsert(object->key);
    }
    for (const object::ObjectKey& key : diff.unsettled) {
        kept_.emplace(key, held.at(key).uid);
    }
    exact_ = kept_.empty();
    std::string_view node_uid;
    bool made_anew = false;
    for (const auto& [key, object] : held) {
        if (key.kind == "Node") {
            node_uid = object.uid;
            const views::ViewObjectPtr node = step.access.view().find(key);
            made_anew = node != nullptr && node->uid != node_uid;
        }
    }
    if (made_anew) {
        step.actions.emplace_back(action::NodeMadeAnew{});
    }
    if (!diff.surplus.empty()) {
        if (step.access.may_remove_surplus(node_uid, diff.surplus.size())) {
            for (const object::ObjectKey& key : diff.surplus) {
                pending_.remove(key, held.at(key).uid);
            }
        } else {
            exact_ = false;
        }
    }
    phase_ = Phase::syncing;
    sync_due_ = true;
}

void SessionState::send_batches(Step& step) {
    if (phase_ != Phase::syncing && phase_ != Phase::live) {
        return;
    }
    const views::NodeView& view = step.access.view();
    while ((sync_due_ || !pending_.empty()) && sent_.size() < tunnel::kBatchWindow) {
        const bool alone = sent_.empty();
        if (!alone && sent_bytes_ >= tunnel::kBatchWindowBytes) {
            return;
        }
        tunnel::Batch batch;
        pending_.take(view, tunnel::kBatchWindowBytes - sent_bytes_, alone, batch);
        const bool nothing = batch.upserts.empty() && batch.removals.empty();
        batch.more = !pending_.empty();
        batch.kept_back = view.keeps_back_pods();
        if (nothing && (batch.more || !sync_due_)) {
            return;  // No room, or nothing to be said after all.
        }
        batch.id = ++last_batch_;
        if (!batch.more) {
            sync_due_ = false;
            told_kept_back_ = batch.kept_back;
            if (exact_) {
                batch.digest = view.digest();
            }
        }
        counters_.objects_sent += batch.upserts.size();
        counters_.removals_sent += batch.removals.size();
        const std::size_t bytes = tunnel::size_of(batch);
        sent_.push_back({.id = batch.id, .bytes = bytes, .whole = !batch.more});
        sent_bytes_ += bytes;
        send(batch, step);
    }
}

void SessionState::receive(tunnel::Committed& committed, Step& step) {
    if (sent_.empty() || sent_.front().id != committed.id) {
        protocol_error("confirmation of a batch that is not due", step);
        return;
    }
    const SentBatch batch = sent_.front();
    sent_.pop_front();
    sent_bytes_ -= batch.bytes;
    if (batch.whole && phase_ == Phase::syncing) {
        phase_ = Phase::live;
        step.actions.emplace_back(action::InSync{});
    }
}

void SessionState::receive(tunnel::Reports& reports, Step& step) {
    if (!welcomed()) {
        protocol_error("reports before the welcome", step);
        return;
    }
    for (tunnel::Report& report : reports.reports) {
        if (!reports_.add(std::move(report), step.now.mono)) {
            protocol_error("more reports than the window allows", step);
            return;
        }
    }
}

void SessionState::work_on_reports(Step& step) {
    if (!welcomed()) {
        return;
    }
    for (NumberedReport& next : reports_.take(step.now.mono)) {
        step.actions.emplace_back(action::Apply{epoch_, next.ordinal, std::move(next.report)});
    }
    const tunnel::ReportsAck acks = reports_.take_acks();
    if (!acks.handled.empty() || !acks.refused.empty()) {
        send(acks, step);
    }
}

void SessionState::receive(tunnel::Ping& ping, Step& step) {
    send(tunnel::Pong{.id = ping.id, .hub_time = step.now.wall}, step);
    const bool fresh =
        ping.loop_beat_age >= Duration::zero() && ping.loop_beat_age < config_.loop_beat_max;
    const Instant now = step.now.mono;
    const bool due = !lease_renewed_ || now >= *lease_renewed_ + config_.lease_interval;
    if (fresh && due && welcomed() && !renewing_lease_) {
        renewing_lease_ = true;
        lease_renewed_ = now;
        step.actions.emplace_back(action::RenewLease{epoch_, acked_seq_});
    }
}

void SessionState::receive(tunnel::RenewCertificate& renew, Step& step) {
    if (phase_ != Phase::renew_only && !welcomed()) {
        protocol_error("RenewCertificate before the welcome", step);
        return;
    }
    if (signing_) {
        protocol_error("a certificate request while one is being answered", step);
        return;
    }
    signing_ = true;
    step.actions.emplace_back(action::SignCertificate{std::move(renew.request_pem)});
}

void SessionState::receive(tunnel::TokenRequest& request, Step& step) {
    if (!welcomed()) {
        protocol_error("TokenRequest before the welcome", step);
        return;
    }
    if (request.id != last_token_ + 1) {
        protocol_error(fmt::format("token request {} after {}", request.id, last_token_), step);
        return;
    }
    if (minting_ >= tunnel::kTokenWindow) {
        protocol_error("more token requests than the window allows", step);
        return;
    }
    last_token_ = request.id;
    if (const auto refusal = refuse_token(request, step.access.view())) {
        send_token(*refusal, step);
        return;
    }
    ++minting_;
    step.actions.emplace_back(action::MintToken{std::move(request)});
}

void SessionState::send_token(const tunnel::Token& token, Step& step) {
    if (!token.token.empty()) {
        ++counters_.tokens_minted;
    } else {
        ++(token.retry ? counters_.tokens_failed : counters_.tokens_refused);
    }
    send(token, step);
}

}  // namespace farhold::hub
