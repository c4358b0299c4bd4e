// SPDX-License-Identifier: Apache-2.0
#include "common/streams/stream_frame.hpp"

#include "common/base/overload.hpp"
#include "proto/farhold/tunnel/v1/tunnel.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace farhold::streams {

namespace wire = farhold::tunnel::v1;

namespace {

// Frame.stream's tag: field 31, with a length.
constexpr std::string_view kTag = "\xfa\x01";

std::string cut(std::string text) {
    if (text.size() > kReasonBytesMax) text.resize(kReasonBytesMax);
    return text;
}

void fill(wire::StreamFrame& frame, StreamMessage message) {
    std::visit(
        Overload{
            [&](Open& /*open*/) { frame.mutable_open(); },
            [&](Data& data) { frame.set_data(std::move(data.bytes)); },
            [&](Credit& credit) { frame.set_credit(credit.bytes); },
            [&](Finish& /*finish*/) { frame.mutable_finish(); },
            [&](Reset& reset) { frame.mutable_reset()->set_reason(cut(std::move(reset.reason))); },
            [&](BulkCall& /*call*/) { frame.mutable_bulk_call(); },
            [&](BulkRefusal& refusal) {
                frame.mutable_bulk_refusal()->set_reason(cut(std::move(refusal.reason)));
            },
            [&](Ping& /*ping*/) { frame.mutable_ping(); },
            [&](Pong& /*pong*/) { frame.mutable_pong(); },
        },
        message
    );
}

std::optional<StreamMessage> message_of(wire::StreamFrame& frame) {
    switch (frame.message_case()) {
        case wire::StreamFrame::kOpen:
            return Open{};
        case wire::StreamFrame::kData:
            return Data{std::move(*frame.mutable_data())};
        case wire::StreamFrame::kCredit:
            return Credit{frame.credit()};
        case wire::StreamFrame::kFinish:
            return Finish{};
        case wire::StreamFrame::kReset:
            return Reset{std::move(*frame.mutable_reset()->mutable_reason())};
        case wire::StreamFrame::kBulkCall:
            return BulkCall{};
        case wire::StreamFrame::kBulkRefusal:
            return BulkRefusal{std::move(*frame.mutable_bulk_refusal()->mutable_reason())};
        case wire::StreamFrame::kPing:
            return Ping{};
        case wire::StreamFrame::kPong:
            return Pong{};
        case wire::StreamFrame::MESSAGE_NOT_SET:
            break;
    }
    return std::nullopt;
}

bool is_about_connection(const StreamMessage& message) {
    return std::holds_alternative<BulkCall>(message) ||
           std::holds_alternative<BulkRefusal>(message) || std::holds_alternative<Ping>(message) ||
           std::holds_alternative<Pong>(message);
}

// What is wrong with it; empty: nothing.
std::string_view fault_of(const StreamMessage& message) {
    return std::visit(
        Overload{
            [](const Data& data) -> std::string_view {
                if (data.bytes.empty()) return "no data";
                return data.bytes.size() > kDataBytesMax ? "too much data" : "";
            },
            [](const Credit& credit) -> std::string_view {
                return credit.bytes == 0 ? "no credit" : "";
            },
            [](const Reset& reset) -> std::string_view {
                return reset.reason.size() > kReasonBytesMax ? "the reason is too long" : "";
            },
            [](const BulkRefusal& refusal) -> std::string_view {
                return refusal.reason.size() > kReasonBytesMax ? "the reason is too long" : "";
            },
            [](const auto& /*other*/) -> std::string_view { return ""; },
        },
        message
    );
}

// The bytes of the field behind the tag, which must be all there is.
std::optional<std::string_view> only_field(std::string_view message) {
    message.remove_prefix(kTag.size());
    std::size_t length = 0;
    for (unsigned shift = 0; shift < 28 && !message.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(message.front());
        message.remove_prefix(1);
        length |= static_cast<std::size_t>(byte & 0x7fU) << shift;
        if ((byte & 0x80U) == 0) {
            return length == message.size() ? std::optional(message) : std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace

std::string_view name_of(const StreamMessage& message) {
    static constexpr std::string_view kNames[] = {
        "Open", "Data", "Credit", "Finish", "Reset", "BulkCall", "BulkRefusal", "Ping", "Pong"
    };
    static_assert(std::size(kNames) == std::variant_size_v<StreamMessage>);
    return kNames[message.index()];
}

bool is_stream_frame(std::string_view message) {
    return message.starts_with(kTag);
}

std::string StreamFrameWriter::write(StreamFrame frame) {
    wire::Frame outer;
    wire::StreamFrame& inner = *outer.mutable_stream();
    inner.set_number(++number_);
    inner.set_stream(frame.stream);
    fill(inner, std::move(frame.message));
    return outer.SerializeAsString();
}

Result<StreamFrame> StreamFrameReader::read(std::string_view message) {
    if (message.size() > kStreamWireBytesMax) {
        return fail(ErrorCode::resource_exhausted, "stream frame too long");
    }
    const auto field = is_stream_frame(message) ? only_field(message) : std::nullopt;
    wire::StreamFrame frame;
    if (!field || !frame.ParseFromArray(field->data(), static_cast<int>(field->size()))) {
        return fail(ErrorCode::invalid_argument, "not a stream frame");
    }
    if (frame.number() != number_ + 1) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("stream frame {} came where {} was due", frame.number(), number_ + 1)
        );
    }
    ++number_;
    auto content = message_of(frame);
    if (!content) {
        return fail(ErrorCode::invalid_argument, "stream frame without a message known here");
    }
    const std::string_view fault = fault_of(*content);
    if (!fault.empty()) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("{} of stream {}: {}", name_of(*content), frame.stream(), fault)
        );
    }
    if (is_about_connection(*content) != (frame.stream() == 0)) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("{} of stream {}", name_of(*content), frame.stream())
        );
    }
    return StreamFrame{.stream = frame.stream(), .message = std::move(*content)};
}

}  // namespace farhold::streams
