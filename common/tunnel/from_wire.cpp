// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/content.hpp"
#include "common/tunnel/wire_format.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <utility>

namespace farhold::tunnel {
namespace {

// Until here a time can be added to and taken from others.
constexpr WallTime kLastTime = std::chrono::sys_days{std::chrono::year{2200} / 1 / 1};

// Takes the values out of the frame and remembers the first rule that one of them breaks.
class Decoder {
public:
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

    Hello hello(wire::Hello& in) {
        Hello hello;
        hello.protocol = in.protocol();
        hello.version = text(in.mutable_version());
        hello.store_uuid = text(in.mutable_store_uuid());
        hello.generation = in.generation();
        hello.boot_id = text(in.mutable_boot_id());
        hello.seq_high = seq(in.seq_high());
        hello.digest = digest(in.digest());
        hello.objects = in.objects();
        hello.process = bounded(in.mutable_process(), kProcessBytesMax, "process");
        hello.reports_lost = in.reports_lost();
        return hello;
    }

    Welcome welcome(wire::Welcome& in) {
        Welcome welcome;
        welcome.epoch = in.epoch();
        welcome.cluster_uid = text(in.mutable_cluster_uid());
        welcome.hub_time = time(in.hub_time_ns());
        welcome.mode = mode(in.mode());
        welcome.acked_seq = seq(in.acked_seq());
        welcome.store_went_back = in.store_went_back();
        return welcome;
    }

    Inventory inventory(wire::Inventory& in) {
        Inventory inventory;
        inventory.last = in.last();
        check_items(in.entries_size());
        inventory.entries.reserve(static_cast<std::size_t>(in.entries_size()));
        for (wire::Inventory::Entry& entry : *in.mutable_entries()) {
            InventoryEntry one;
            one.key = key(entry.key());
            one.uid = text(entry.mutable_uid());
            one.hash = hash(entry.mutable_hash());
            one.encoding = entry.encoding();
            inventory.entries.push_back(std::move(one));
        }
        return inventory;
    }

    Batch batch(wire::Batch& in) {
        Batch batch;
        batch.id = in.id();
        batch.more = in.more();
        batch.kept_back = in.kept_back();
        if (!in.digest().empty()) {
            batch.digest = digest(in.digest());
        }
        check_items(in.upserts_size() + in.removals_size());
        for (wire::Batch::Upsert& upsert : *in.mutable_upserts()) {
            batch.upserts.push_back(read_upsert(upsert));
        }
        for (wire::Batch::Removal& removal : *in.mutable_removals()) {
            batch.removals.push_back({key(removal.key()), text(removal.mutable_uid())});
        }
        return batch;
    }

    Reports reports(wire::Reports& in) {
        Reports reports;
        check_items(in.reports_size());
        for (wire::Report& report : *in.mutable_reports()) {
            Report one;
            one.cls = report_class(report.class_());
            one.key = text(report.mutable_key());
            one.uid = text(report.mutable_uid());
            one.seq = seq(report.seq());
            one.body = bounded(report.mutable_body(), kReportBytesMax, "report");
            if ((one.cls == ReportClass::durable) != (one.seq != 0)) {
                note(ErrorCode::invalid_argument, "report whose number does not suit its class");
            }
            reports.reports.push_back(std::move(one));
        }
        return reports;
    }

    ReportsAck reports_ack(wire::ReportsAck& in) {
        ReportsAck ack;
        check_items(in.handled_size() + in.refused_size());
        ack.handled.assign(in.handled().begin(), in.handled().end());
        for (wire::ReportsAck::Refusal& refusal : *in.mutable_refused()) {
            ack.refused.push_back(
                {refusal.ordinal(), text(refusal.mutable_reason()), refusal.gone()}
            );
        }
        return ack;
    }

    Pong pong(const wire::Pong& in) { return {in.id(), time(in.hub_time_ns())}; }

    Ping ping(const wire::Ping& in) { return {in.id(), Duration(in.loop_beat_age_ns())}; }

    RenewCertificate renew_certificate(wire::RenewCertificate& in) {
        return {bounded(in.mutable_request_pem(), kPemBytesMax, "certificate request")};
    }

    Certificate certificate(wire::Certificate& in) {
        Certificate certificate;
        certificate.certificate_pem =
            bounded(in.mutable_certificate_pem(), kPemBytesMax, "certificate");
        certificate.refusal = text(in.mutable_refusal());
        return certificate;
    }

    TokenRequest token_request(wire::TokenRequest& in) {
        TokenWish wish;
        wish.ns = text(in.mutable_namespace_());
        wish.pod = text(in.mutable_pod());
        wish.pod_uid = text(in.mutable_pod_uid());
        wish.service_account = text(in.mutable_service_account());
        wish.audience = text(in.mutable_audience());
        wish.expiration_seconds = in.expiration_seconds();
        return {in.id(), std::move(wish)};
    }

    Token token(wire::Token& in) {
        Token token;
        token.id = in.id();
        token.token = bounded(in.mutable_token(), kTokenBytesMax, "token");
        token.expires = time(in.expires_ns());
        token.refusal = text(in.mutable_refusal());
        token.retry = in.retry();
        if (token.token.empty() == token.refusal.empty()) {
            note(ErrorCode::invalid_argument, "neither a token nor a refusal, or both");
        }
        return token;
    }

    Goodbye goodbye(wire::Goodbye& in) {
        return {goodbye_reason(in.reason()), text(in.mutable_text())};
    }

private:
    void note(ErrorCode code, std::string what) {
        if (!error_) {
            error_ = Error(code, std::move(what));
        }
    }

    void check_items(int count) {
        if (count > static_cast<int>(kItemsMax)) {
            note(ErrorCode::resource_exhausted, "frame with too many entries");
        }
    }

    std::string bounded(std::string* value, std::size_t max, std::string_view what) {
        if (value->size() > max) {
            note(ErrorCode::resource_exhausted, fmt::format("{} too long", what));
        }
        return std::move(*value);
    }

    std::uint64_t seq(std::uint64_t value) {
        if (value > kSeqMax) {
            note(ErrorCode::invalid_argument, "number that no report has");
        }
        return value;
    }

    WallTime time(std::int64_t ns) {
        const WallTime time{std::chrono::nanoseconds(ns)};
        if (time < WallTime{} || time > kLastTime) {
            note(ErrorCode::invalid_argument, "time that no clock shows");
        }
        return time;
    }

    std::string text(std::string* value) { return bounded(value, kTextBytesMax, "text"); }

    std::string hash(std::string* value) {
        if (value->size() != kContentHashBytes) {
            note(ErrorCode::invalid_argument, "content hash of another length");
        }
        return std::move(*value);
    }

    object::ObjectKey key(const std::string& value) {
        if (value.size() > kTextBytesMax) {
            note(ErrorCode::resource_exhausted, "key too long");
            return {};
        }
        auto key = object::ObjectKey::parse(value);
        if (!key) {
            note(ErrorCode::invalid_argument, key.error().message());
            return {};
        }
        return std::move(*key);
    }

    ViewDigest digest(std::string_view bytes) {
        const auto digest = ViewDigest::from_bytes(bytes);
        if (!digest) {
            note(digest.error().code(), digest.error().message());
            return {};
        }
        return *digest;
    }

    Upsert read_upsert(wire::Batch::Upsert& in) {
        Upsert upsert;
        upsert.key = key(in.key());
        upsert.uid = text(in.mutable_uid());
        upsert.resource_version = text(in.mutable_resource_version());
        upsert.hash = hash(in.mutable_hash());
        upsert.encoding = in.encoding();
        upsert.content = std::make_shared<const std::string>(
            bounded(in.mutable_content(), kContentBytesMax, "object")
        );
        return upsert;
    }

    SyncMode mode(wire::Welcome::Mode in) {
        switch (in) {
            case wire::Welcome::MODE_IN_SYNC:
                return SyncMode::in_sync;
            case wire::Welcome::MODE_NEED_INVENTORY:
                return SyncMode::need_inventory;
            case wire::Welcome::MODE_RENEW_ONLY:
                return SyncMode::renew_only;
            default:
                break;
        }
        note(ErrorCode::invalid_argument, "welcome of an unknown mode");
        return SyncMode::need_inventory;
    }

    ReportClass report_class(wire::Report::Class in) {
        switch (in) {
            case wire::Report::CLASS_DURABLE:
                return ReportClass::durable;
            case wire::Report::CLASS_DERIVED:
                return ReportClass::derived;
            case wire::Report::CLASS_EVENT:
                return ReportClass::event;
            default:
                break;
        }
        note(ErrorCode::invalid_argument, "report of an unknown class");
        return ReportClass::derived;
    }

    // An unknown reason is taken for the mildest: the peer is newer, and leaves in any case.
    static GoodbyeReason goodbye_reason(wire::Goodbye::Reason in) {
        switch (in) {
            case wire::Goodbye::REASON_NOT_READY:
                return GoodbyeReason::not_ready;
            case wire::Goodbye::REASON_OVERLOADED:
                return GoodbyeReason::overloaded;
            case wire::Goodbye::REASON_PROTOCOL:
                return GoodbyeReason::protocol;
            case wire::Goodbye::REASON_SUPERSEDED:
                return GoodbyeReason::superseded;
            case wire::Goodbye::REASON_FENCED:
                return GoodbyeReason::fenced;
            case wire::Goodbye::REASON_REVOKED:
                return GoodbyeReason::revoked;
            case wire::Goodbye::REASON_UNKNOWN_NODE:
                return GoodbyeReason::unknown_node;
            case wire::Goodbye::REASON_UNSUPPORTED_VERSION:
                return GoodbyeReason::unsupported_version;
            case wire::Goodbye::REASON_CLONED:
                return GoodbyeReason::cloned;
            default:
                return GoodbyeReason::shutting_down;
        }
    }

    std::optional<Error> error_;
};

std::optional<Message> read_message(wire::Frame& frame, Decoder& decoder) {
    switch (frame.message_case()) {
        case wire::Frame::kHello:
            return decoder.hello(*frame.mutable_hello());
        case wire::Frame::kInventory:
            return decoder.inventory(*frame.mutable_inventory());
        case wire::Frame::kCommitted:
            return Committed{frame.committed().id()};
        case wire::Frame::kReports:
            return decoder.reports(*frame.mutable_reports());
        case wire::Frame::kPing:
            return decoder.ping(frame.ping());
        case wire::Frame::kRenewCertificate:
            return decoder.renew_certificate(*frame.mutable_renew_certificate());
        case wire::Frame::kTokenRequest:
            return decoder.token_request(*frame.mutable_token_request());
        case wire::Frame::kWelcome:
            return decoder.welcome(*frame.mutable_welcome());
        case wire::Frame::kBatch:
            return decoder.batch(*frame.mutable_batch());
        case wire::Frame::kReportsAck:
            return decoder.reports_ack(*frame.mutable_reports_ack());
        case wire::Frame::kPong:
            return decoder.pong(frame.pong());
        case wire::Frame::kCertificate:
            return decoder.certificate(*frame.mutable_certificate());
        case wire::Frame::kToken:
            return decoder.token(*frame.mutable_token());
        case wire::Frame::kGoodbye:
            return decoder.goodbye(*frame.mutable_goodbye());
        case wire::Frame::kFragment:
        case wire::Frame::kStream:
        case wire::Frame::MESSAGE_NOT_SET:
            break;
    }
    return std::nullopt;
}

}  // namespace

Result<std::optional<Message>> from_wire(wire::Frame& frame) {
    Decoder decoder;
    std::optional<Message> message = read_message(frame, decoder);
    if (!message) {
        return fail(ErrorCode::invalid_argument, "frame without a message that is known here");
    }
    if (decoder.error()) {
        return fail(decoder.error()->within(name_of(*message)));
    }
    return message;
}

}  // namespace farhold::tunnel
