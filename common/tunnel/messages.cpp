// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/messages.hpp"

#include <array>

namespace farhold::tunnel {

namespace {

// Key, uid, hash and framing of an object, generously.
constexpr std::size_t kEntryBytes = 256;

}  // namespace

std::size_t size_of(const Upsert& upsert) {
    return kEntryBytes + upsert.content->size();
}

std::size_t size_of(const Batch& batch) {
    std::size_t bytes = batch.removals.size() * kEntryBytes;
    for (const Upsert& upsert : batch.upserts) {
        bytes += size_of(upsert);
    }
    return bytes;
}

std::size_t size_of(const Report& report) {
    return report.key.size() + report.uid.size() + report.body.size();
}

std::string_view to_string(GoodbyeReason reason) {
    switch (reason) {
        case GoodbyeReason::shutting_down:
            return "shutting down";
        case GoodbyeReason::not_ready:
            return "not ready";
        case GoodbyeReason::overloaded:
            return "overloaded";
        case GoodbyeReason::protocol:
            return "protocol error";
        case GoodbyeReason::superseded:
            return "superseded by a newer session";
        case GoodbyeReason::fenced:
            return "fenced by a newer session at another hub";
        case GoodbyeReason::revoked:
            return "certificate revoked";
        case GoodbyeReason::unknown_node:
            return "unknown node";
        case GoodbyeReason::unsupported_version:
            return "unsupported protocol version";
        case GoodbyeReason::cloned:
            return "another machine has the same identity";
    }
    return "unknown reason";
}

bool is_lasting(GoodbyeReason reason) {
    switch (reason) {
        case GoodbyeReason::superseded:  // Somebody else uses our certificate: do not fight.
        case GoodbyeReason::revoked:
        case GoodbyeReason::unknown_node:
        case GoodbyeReason::unsupported_version:
        case GoodbyeReason::cloned:
            return true;
        default:
            return false;
    }
}

std::string_view to_string(ReportClass cls) {
    switch (cls) {
        case ReportClass::durable:
            return "durable";
        case ReportClass::derived:
            return "derived";
        case ReportClass::event:
            return "event";
    }
    return "unknown";
}

std::string_view name_of(const Message& message) {
    return name_of_kind(message.index());
}

std::string_view name_of_kind(std::size_t kind) {
    constexpr std::array<std::string_view, kMessageKinds> kNames = {
        "Hello",        "Inventory", "Committed", "Reports",    "Ping", "RenewCertificate",
        "TokenRequest", "Welcome",   "Batch",     "ReportsAck", "Pong", "Certificate",
        "Token",        "Goodbye",
    };
    return kNames.at(kind);
}

}  // namespace farhold::tunnel
