// SPDX-License-Identifier: Apache-2.0
//
// LinkState's part that answers the hub.
#include "common/tunnel/content.hpp"
#include "edgecore/link/link_step.hpp"
#include "edgecore/store/frugal_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::link {

namespace {

// Of one Inventory or Reports frame; far below the limits, so that heartbeats get in between.
constexpr std::size_t kEntriesPerFrame = 256;
constexpr std::size_t kReportBytesPerFrame = tunnel::kFragmentBytes / 2;

// What is wrong with it, or empty.
std::string fault_of(const tunnel::Upsert& upsert) {
    if (upsert.encoding != tunnel::kEncodingJson) {
        return fmt::format("{} has unknown encoding {}", upsert.key.text(), upsert.encoding);
    }
    if (tunnel::content_hash(*upsert.content) != upsert.hash) {
        return upsert.key.text() + " does not have its hash";
    }
    return {};
}

store::DesiredRow to_row(const tunnel::Upsert& upsert) {
    return {
        .key = upsert.key,
        .uid = upsert.uid,
        .resource_version = upsert.resource_version,
        .hash = upsert.hash,
        .encoding = upsert.encoding,
        .content = upsert.content,
    };
}

}  // namespace

void LinkState::receive(tunnel::Welcome& welcome, Step& step) {
    if (status_.phase != Phase::hello) {
        protocol_error("Welcome in phase " + std::string(to_string(status_.phase)), step);
        return;
    }
    status_.refused = false;
    session_->next_ping =
        step.now.mono;  // At once: the first heartbeat makes the node ready again.
    step.actions.emplace_back(action::ProveTime{welcome.hub_time});
    if (welcome.mode == tunnel::SyncMode::renew_only) {
        ++status_.counters.resumed_to_renew;
        enter(Phase::renewing, step);
        if (renewal_) {
            send_renewal(step);
        } else {
            step.actions.emplace_back(action::RequestRenewal{});
        }
        return;
    }
    status_.epoch = welcome.epoch;
    status_.cluster_uid = std::move(welcome.cluster_uid);
    if (welcome.acked_seq > step.store.outbox.seq_high()) {
        step.actions.emplace_back(action::RaiseSequence{welcome.acked_seq});
    }
    if (welcome.store_went_back) {
        leave_the_past(welcome.acked_seq, step);
    }
    if (welcome.mode == tunnel::SyncMode::need_inventory) {
        ++status_.counters.resumed_by_inventory;
        enter(Phase::syncing, step);
        send_inventory(step);
    } else {
        ++status_.counters.resumed_in_sync;
        status_.last_sync = step.now.mono;
        enter(Phase::live, step);
        if (!step.store.desired.confirmed()) {
            storing_ = Storing::completeness;
            store::StoreBatch batch;
            batch.complete = true;
            step.actions.emplace_back(action::Store{std::move(batch)});
        }
    }
    send_renewal(step);
}

// What the store woke up with is as old as the store: the hub has heard of all of it and of what
// came later. What this process has found out itself is news, whatever its number.
void LinkState::leave_the_past(std::uint64_t acked_seq, Step& step) {
    const std::uint64_t stale_up_to = std::min(acked_seq, step.store.meta.seq_at_start);
    reports_.skip_to(stale_up_to);
    action::AckReports past;
    for (const store::ReportRow* row : step.store.outbox.window(0, store::kOutboxRowsMax)) {
        if (row->seq <= stale_up_to) {
            past.seqs.push_back(row->seq);
        }
    }
    if (!std::exchange(status_.store_went_back, true) || !past.seqs.empty()) {
        step.actions.emplace_back(action::StoreWentBack{acked_seq, past.seqs.size()});
    }
    status_.counters.reports_stale += past.seqs.size();
    if (!past.seqs.empty()) {
        step.actions.emplace_back(std::move(past));
    }
}

void LinkState::receive(tunnel::Batch& batch, Step& step) {
    if (!in_phase({Phase::syncing, Phase::live})) {
        protocol_error("Batch in phase " + std::string(to_string(status_.phase)), step);
        return;
    }
    LinkSession& session = *session_;
    if (batch.id != session.last_batch + 1) {
        protocol_error(fmt::format("batch {} after {}", batch.id, session.last_batch), step);
        return;
    }
    const std::size_t bytes = tunnel::size_of(batch);
    const bool beyond = session.batches.size() >= tunnel::kBatchWindow ||
                        session.batch_bytes + bytes > tunnel::kBatchWindowBytes;
    if (!session.batches.empty() && beyond) {
        protocol_error("more batches than the window allows", step);
        return;
    }
    for (const tunnel::Upsert& upsert : batch.upserts) {
        if (const std::string fault = fault_of(upsert); !fault.empty()) {
            protocol_error(fault, step);
            return;
        }
    }
    status_.counters.objects_received += batch.upserts.size();
    session.last_batch = batch.id;
    session.batch_bytes += bytes;
    session.batches.push_back(std::move(batch));
}

// Hands the next batch to the store, which has one at a time: so a removal is judged by the uid that
// is on the disk, and batches take effect in their order.
void LinkState::store_next(Step& step) {
    if (storing_ != Storing::nothing || !session_ || session_->batches.empty()) {
        return;
    }
    if (room_at_ && step.now.mono < *room_at_) {
        if (!way_out_failed_) {
            store_way_out(step);
        }
        return;
    }
    way_out_failed_ = false;
    const tunnel::Batch& batch = session_->batches.front();
    store::StoreBatch changes;
    changes.complete = !batch.more && !batch.kept_back;
    for (const tunnel::Removal& removal : batch.removals) {
        const store::DesiredRow* held = step.store.desired.find(removal.key);
        if (held != nullptr && held->uid == removal.uid) {
            changes.removals.push_back(removal.key);
        }
    }
    for (const tunnel::Upsert& upsert : batch.upserts) {
        changes.upserts.push_back(to_row(upsert));
    }
    storing_ = Storing::batch;
    step.actions.emplace_back(action::Store{std::move(changes)});
}

// While the disk is full, deletions overtake the objects before them: they make room. An object that
// they were about need not be stored any more.
void LinkState::store_way_out(Step& step) {
    store::StoreBatch changes;
    auto& batches = session_->batches;
    const auto overtake = [&](auto until, const object::ObjectKey& key, const std::string& uid) {
        for (auto batch = batches.begin(); batch != until; ++batch) {
            std::erase_if(batch->upserts, [&](const tunnel::Upsert& upsert) {
                const bool overtaken = upsert.key == key && upsert.uid == uid;
                session_->batch_bytes -= overtaken ? tunnel::size_of(upsert) : 0;
                return overtaken;
            });
        }
    };
    const auto is_held = [&](const object::ObjectKey& key, const std::string& uid) {
        const store::DesiredRow* held = step.store.desired.find(key);
        return held != nullptr && held->uid == uid;
    };
    for (auto batch = batches.begin(); batch != batches.end(); ++batch) {
        for (const tunnel::Removal& removal : batch->removals) {
            overtake(batch, removal.key, removal.uid);
            if (is_held(removal.key, removal.uid)) {
                changes.removals.push_back(removal.key);
            }
        }
        for (const tunnel::Upsert& upsert : batch->upserts) {
            const bool news = is_held(upsert.key, upsert.uid) &&
                              step.store.desired.find(upsert.key)->hash != upsert.hash;
            if (news && store::is_leaving(*upsert.content)) {
                overtake(batch, upsert.key, upsert.uid);
                changes.upserts.push_back(to_row(upsert));
            }
        }
    }
    if (!changes.empty()) {
        storing_ = Storing::way_out;
        step.actions.emplace_back(action::Store{std::move(changes)});
    }
}

void LinkState::batch_stored(Step& step) {
    LinkSession& session = *session_;
    const tunnel::Batch batch = std::move(session.batches.front());
    session.batches.pop_front();
    session.batch_bytes -= tunnel::size_of(batch);
    send(tunnel::Committed{batch.id}, step);
    if (batch.more) {
        return;
    }
    if (batch.digest && *batch.digest != step.store.desired.digest()) {
        // The next session compares by inventory.
        ++status_.counters.digest_mismatches;
        close(
            EndReason::digest_mismatch, "the store differs from the view after a sync",
            Return::soon, step
        );
        return;
    }
    status_.last_sync = step.now.mono;
    enter(Phase::live, step);
}

void LinkState::receive(tunnel::ReportsAck& ack, Step& step) {
    action::AckReports done;
    const auto settle = [&](std::uint64_t ordinal) {
        auto sent = reports_.acknowledge(ordinal);
        if (sent && sent->seq != 0) {
            done.seqs.push_back(sent->seq);
        }
        return sent;
    };
    for (const std::uint64_t ordinal : ack.handled) {
        if (!settle(ordinal)) {
            protocol_error("acknowledgement of a report that is not on its way", step);
            return;
        }
    }
    for (const tunnel::Refusal& refusal : ack.refused) {
        const auto sent = settle(refusal.ordinal);
        if (!sent) {
            protocol_error("refusal of a report that is not on its way", step);
            return;
        }
        ++status_.counters.reports_refused.at(static_cast<std::size_t>(sent->cls));
        step.actions.emplace_back(
            action::ReportRefused{sent->key, sent->cls, refusal.reason, refusal.gone}
        );
    }
    if (!done.seqs.empty()) {
        step.actions.emplace_back(std::move(done));
    }
}

void LinkState::receive(tunnel::Pong& pong, Step& step) {
    if (pong.id != session_->ping) {
        return;  // Late by a whole interval: no measure of the line.
    }
    status_.rtt = step.now.mono - session_->ping_sent;
    if (status_.rtt < tunnel::kQuickAnswer) {
        session_->next_ping = session_->ping_sent + tunnel::kPingIntervalAfterQuickAnswer;
    }
    step.actions.emplace_back(action::ProveTime{pong.hub_time});
}

void LinkState::receive(tunnel::Certificate& certificate, Step& step) {
    if (!renewal_) {
        protocol_error("Certificate that was not asked for", step);
        return;
    }
    renewal_.reset();
    const bool renewing = status_.phase == Phase::renewing;
    if (!certificate.refusal.empty()) {
        status_.trouble = "certificate not renewed: " + certificate.refusal;
        if (renewing) {
            status_.refused = true;
            close(EndReason::not_renewed, status_.trouble, Return::slowly, step);
        }
        return;
    }
    step.actions.emplace_back(action::AdoptCertificate{std::move(certificate.certificate_pem)});
    if (renewing) {
        close(EndReason::renewed, "certificate renewed", Return::at_once, step);
    }
}

void LinkState::receive(tunnel::Token& token, Step& step) {
    auto wish = tokens_.answered(token.id);
    if (!wish) {
        protocol_error("Token that was not asked for", step);
        return;
    }
    step.actions.emplace_back(action::TokenAnswered{std::move(*wish), std::move(token)});
}

void LinkState::receive(tunnel::Goodbye& goodbye, Step& step) {
    const bool lasting = tunnel::is_lasting(goodbye.reason);
    status_.refused = lasting;
    std::string reason = "the hub ends the session: ";
    reason += tunnel::to_string(goodbye.reason);
    if (!goodbye.text.empty()) {
        reason += ": " + goodbye.text;
    }
    close(EndReason::dismissed, reason, lasting ? Return::slowly : Return::soon, step);
}

void LinkState::send_inventory(Step& step) {
    tunnel::Inventory frame;
    for (const store::DesiredRow* row : step.store.desired.all()) {
        if (frame.entries.size() == kEntriesPerFrame) {
            send(frame, step);
            frame.entries.clear();
        }
        frame.entries.push_back({row->key, row->uid, row->hash, row->encoding});
    }
    frame.last = true;
    send(frame, step);
}

void LinkState::send_reports(Step& step) {
    if (!in_phase({Phase::syncing, Phase::live})) {
        return;
    }
    tunnel::Reports frame;
    std::size_t bytes = 0;
    for (tunnel::Report& report : reports_.take(step.store.outbox, step.store.desired)) {
        const std::size_t size = tunnel::size_of(report);
        if (!frame.reports.empty() && bytes + size > kReportBytesPerFrame) {
            send(frame, step);
            frame.reports.clear();
            bytes = 0;
        }
        const auto cls = static_cast<std::size_t>(report.cls);
        ++status_.counters.reports_sent.at(cls);
        status_.counters.report_bytes_sent.at(cls) += size;
        bytes += size;
        frame.reports.push_back(std::move(report));
    }
    if (!frame.reports.empty()) {
        send(frame, step);
    }
}

void LinkState::send_token_requests(Step& step) {
    if (!in_phase({Phase::syncing, Phase::live})) {
        return;
    }
    for (const tunnel::TokenRequest& request : tokens_.take()) {
        send(request, step);
    }
}

void LinkState::send_renewal(Step& step) {
    if (renewal_ && in_phase({Phase::syncing, Phase::live, Phase::renewing})) {
        send(tunnel::RenewCertificate{*renewal_}, step);
    }
}

}  // namespace farhold::link
