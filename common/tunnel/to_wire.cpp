// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/wire_format.hpp"

#include <variant>

namespace farhold::tunnel {
namespace {

wire::Welcome::Mode mode_of(SyncMode mode) {
    switch (mode) {
        case SyncMode::in_sync:
            return wire::Welcome::MODE_IN_SYNC;
        case SyncMode::need_inventory:
            return wire::Welcome::MODE_NEED_INVENTORY;
        case SyncMode::renew_only:
            return wire::Welcome::MODE_RENEW_ONLY;
    }
    return wire::Welcome::MODE_UNSPECIFIED;
}

wire::Report::Class class_of(ReportClass cls) {
    switch (cls) {
        case ReportClass::durable:
            return wire::Report::CLASS_DURABLE;
        case ReportClass::derived:
            return wire::Report::CLASS_DERIVED;
        case ReportClass::event:
            return wire::Report::CLASS_EVENT;
    }
    return wire::Report::CLASS_UNSPECIFIED;
}

wire::Goodbye::Reason reason_of(GoodbyeReason reason) {
    switch (reason) {
        case GoodbyeReason::shutting_down:
            return wire::Goodbye::REASON_SHUTTING_DOWN;
        case GoodbyeReason::not_ready:
            return wire::Goodbye::REASON_NOT_READY;
        case GoodbyeReason::overloaded:
            return wire::Goodbye::REASON_OVERLOADED;
        case GoodbyeReason::protocol:
            return wire::Goodbye::REASON_PROTOCOL;
        case GoodbyeReason::superseded:
            return wire::Goodbye::REASON_SUPERSEDED;
        case GoodbyeReason::fenced:
            return wire::Goodbye::REASON_FENCED;
        case GoodbyeReason::revoked:
            return wire::Goodbye::REASON_REVOKED;
        case GoodbyeReason::unknown_node:
            return wire::Goodbye::REASON_UNKNOWN_NODE;
        case GoodbyeReason::unsupported_version:
            return wire::Goodbye::REASON_UNSUPPORTED_VERSION;
        case GoodbyeReason::cloned:
            return wire::Goodbye::REASON_CLONED;
    }
    return wire::Goodbye::REASON_UNSPECIFIED;
}

struct Encoder {
    wire::Frame& frame;

    void operator()(const Hello& hello) const {
        wire::Hello& out = *frame.mutable_hello();
        out.set_protocol(hello.protocol);
        out.set_version(hello.version);
        out.set_store_uuid(hello.store_uuid);
        out.set_generation(hello.generation);
        out.set_boot_id(hello.boot_id);
        out.set_seq_high(hello.seq_high);
        out.set_digest(hello.digest.bytes());
        out.set_objects(hello.objects);
        out.set_process(hello.process);
        out.set_reports_lost(hello.reports_lost);
    }
    void operator()(const Welcome& welcome) const {
        wire::Welcome& out = *frame.mutable_welcome();
        out.set_epoch(welcome.epoch);
        out.set_cluster_uid(welcome.cluster_uid);
        out.set_hub_time_ns(welcome.hub_time.time_since_epoch().count());
        out.set_mode(mode_of(welcome.mode));
        out.set_acked_seq(welcome.acked_seq);
        out.set_store_went_back(welcome.store_went_back);
    }
    void operator()(const Inventory& inventory) const {
        wire::Inventory& out = *frame.mutable_inventory();
        out.set_last(inventory.last);
        for (const InventoryEntry& entry : inventory.entries) {
            wire::Inventory::Entry& one = *out.add_entries();
            one.set_key(entry.key.text());
            one.set_uid(entry.uid);
            one.set_hash(entry.hash);
            one.set_encoding(entry.encoding);
        }
    }
    void operator()(const Batch& batch) const {
        wire::Batch& out = *frame.mutable_batch();
        out.set_id(batch.id);
        out.set_more(batch.more);
        out.set_kept_back(batch.kept_back);
        if (batch.digest) {
            out.set_digest(batch.digest->bytes());
        }
        for (const Upsert& upsert : batch.upserts) {
            wire::Batch::Upsert& one = *out.add_upserts();
            one.set_key(upsert.key.text());
            one.set_uid(upsert.uid);
            one.set_resource_version(upsert.resource_version);
            one.set_hash(upsert.hash);
            one.set_encoding(upsert.encoding);
            one.set_content(*upsert.content);
        }
        for (const Removal& removal : batch.removals) {
            wire::Batch::Removal& one = *out.add_removals();
            one.set_key(removal.key.text());
            one.set_uid(removal.uid);
        }
    }
    void operator()(const Committed& committed) const {
        frame.mutable_committed()->set_id(committed.id);
    }
    void operator()(const Reports& reports) const {
        wire::Reports& out = *frame.mutable_reports();
        for (const Report& report : reports.reports) {
            wire::Report& one = *out.add_reports();
            one.set_class_(class_of(report.cls));
            one.set_key(report.key);
            one.set_uid(report.uid);
            one.set_seq(report.seq);
            one.set_body(report.body);
        }
    }
    void operator()(const ReportsAck& ack) const {
        wire::ReportsAck& out = *frame.mutable_reports_ack();
        for (const std::uint64_t ordinal : ack.handled) {
            out.add_handled(ordinal);
        }
        for (const Refusal& refusal : ack.refused) {
            wire::ReportsAck::Refusal& one = *out.add_refused();
            one.set_ordinal(refusal.ordinal);
            // The answer of an API server may be long.
            one.set_reason(refusal.reason.substr(0, kTextBytesMax));
            one.set_gone(refusal.gone);
        }
    }
    void operator()(const Ping& ping) const {
        frame.mutable_ping()->set_id(ping.id);
        frame.mutable_ping()->set_loop_beat_age_ns(ping.loop_beat_age.count());
    }
    void operator()(const Pong& pong) const {
        frame.mutable_pong()->set_id(pong.id);
        frame.mutable_pong()->set_hub_time_ns(pong.hub_time.time_since_epoch().count());
    }
    void operator()(const RenewCertificate& renew) const {
        frame.mutable_renew_certificate()->set_request_pem(renew.request_pem);
    }
    void operator()(const Certificate& certificate) const {
        wire::Certificate& out = *frame.mutable_certificate();
        out.set_certificate_pem(certificate.certificate_pem);
        out.set_refusal(certificate.refusal.substr(0, kTextBytesMax));
    }
    void operator()(const TokenRequest& request) const {
        wire::TokenRequest& out = *frame.mutable_token_request();
        out.set_id(request.id);
        out.set_namespace_(request.wish.ns);
        out.set_pod(request.wish.pod);
        out.set_pod_uid(request.wish.pod_uid);
        out.set_service_account(request.wish.service_account);
        out.set_audience(request.wish.audience);
        out.set_expiration_seconds(request.wish.expiration_seconds);
    }
    void operator()(const Token& token) const {
        wire::Token& out = *frame.mutable_token();
        out.set_id(token.id);
        out.set_token(token.token);
        out.set_expires_ns(token.expires.time_since_epoch().count());
        out.set_refusal(token.refusal.substr(0, kTextBytesMax));
        out.set_retry(token.retry);
    }
    void operator()(const Goodbye& goodbye) const {
        frame.mutable_goodbye()->set_reason(reason_of(goodbye.reason));
        frame.mutable_goodbye()->set_text(goodbye.text.substr(0, kTextBytesMax));
    }
};

}  // namespace

wire::Frame to_wire(const Message& message) {
    wire::Frame frame;
    std::visit(Encoder{frame}, message);
    return frame;
}

}  // namespace farhold::tunnel
