// SPDX-License-Identifier: Apache-2.0
//
// Pure: how a call ends on the wire, and as an Error.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/http2/session.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace farhold::grpc {

// What a header list with grpc-status says. Without one: what the HTTP status alone means.
Result<void> status_of(const http2::Headers& headers);

// grpc-status and grpc-message.
http2::Headers status_headers(const Result<void>& outcome);

// A stream that was reset before it had a status.
Error reset_error(const http2::StreamClosed& closed);

// Whether a message is gRPC by its content-type.
bool is_grpc(const http2::Headers& headers);

// grpc-timeout: at most eight digits and a unit. Rounded up, never to zero.
std::string format_timeout(Duration timeout);
std::optional<Duration> parse_timeout(std::string_view text);

// grpc-message is percent-encoded UTF-8; decoding keeps what it cannot read, since a message about
// an error is better garbled than lost.
std::string encode_text(std::string_view text);
std::string decode_text(std::string_view text);

}  // namespace farhold::grpc
