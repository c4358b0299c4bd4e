// SPDX-License-Identifier: Apache-2.0
#include "common/grpc/status.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

namespace farhold::grpc {

namespace {

constexpr int kOk = 0;

// Numbers of the gRPC specification. A peer's CANCELLED is not our own cancellation, which makes
// coroutines return at once: to us such a peer is busy with something else.
ErrorCode from_number(int number) {
    constexpr std::array kCodes{
        ErrorCode::internal,                                          // OK is handled before.
        ErrorCode::unavailable,       ErrorCode::internal,            // CANCELLED, UNKNOWN
        ErrorCode::invalid_argument,  ErrorCode::deadline,            //
        ErrorCode::not_found,         ErrorCode::already_exists,      //
        ErrorCode::permission_denied, ErrorCode::resource_exhausted,  //
        ErrorCode::conflict,          ErrorCode::conflict,         // FAILED_PRECONDITION, ABORTED
        ErrorCode::invalid_argument,  ErrorCode::unsupported,      // OUT_OF_RANGE
        ErrorCode::internal,          ErrorCode::unavailable,      //
        ErrorCode::corrupt,           ErrorCode::unauthenticated,  // DATA_LOSS
    };
    const auto index = static_cast<std::size_t>(number);
    return number > 0 && index < kCodes.size() ? kCodes[index] : ErrorCode::internal;
}

int to_number(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument:
            return 3;
        case ErrorCode::not_found:
            return 5;
        case ErrorCode::already_exists:
            return 6;
        case ErrorCode::conflict:
            return 10;
        case ErrorCode::unauthenticated:
            return 16;
        case ErrorCode::permission_denied:
            return 7;
        case ErrorCode::resource_exhausted:
            return 8;
        case ErrorCode::unavailable:
            return 14;
        case ErrorCode::deadline:
            return 4;
        case ErrorCode::cancelled:
            return 1;
        case ErrorCode::corrupt:
            return 15;
        case ErrorCode::unsupported:
            return 12;
        case ErrorCode::internal:
            return 13;
    }
    return 13;
}

// The mapping of gRPC's document "HTTP to gRPC status code mapping".
ErrorCode from_http(std::string_view status) {
    if (status == "401") {
        return ErrorCode::unauthenticated;
    }
    if (status == "403") {
        return ErrorCode::permission_denied;
    }
    if (status == "404") {
        return ErrorCode::unsupported;
    }
    if (status == "429" || status == "502" || status == "503" || status == "504") {
        return ErrorCode::unavailable;
    }
    return ErrorCode::internal;
}

std::optional<int> hex_digit(char character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'A' && character <= 'F') {
        return character - 'A' + 10;
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    return std::nullopt;
}

struct Unit {
    char letter;
    std::int64_t nanoseconds;
};
constexpr std::array kUnits{
    Unit{'n', 1},
    Unit{'u', 1'000},
    Unit{'m', 1'000'000},
    Unit{'S', 1'000'000'000},
    Unit{'M', 60'000'000'000},
    Unit{'H', 3'600'000'000'000},
};
constexpr std::int64_t kTimeoutMax = 99'999'999;

}  // namespace

Result<void> status_of(const http2::Headers& headers) {
    const auto text = http2::find_header(headers, "grpc-status");
    if (!text) {
        const auto http = http2::find_header(headers, ":status").value_or("");
        if (http == "200" || http.empty()) {
            return fail(ErrorCode::internal, "gRPC: the call ended without a status");
        }
        return fail(from_http(http), "gRPC: the peer answered HTTP status " + std::string(http));
    }
    int number = -1;
    const auto* end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
        return fail(ErrorCode::internal, "gRPC: the call ended with an unreadable status");
    }
    if (number == kOk) {
        return {};
    }
    auto message = decode_text(http2::find_header(headers, "grpc-message").value_or(""));
    if (message.empty()) {
        message = "gRPC status " + std::to_string(number);
    }
    return fail(from_number(number), std::move(message));
}

http2::Headers status_headers(const Result<void>& outcome) {
    if (outcome) {
        return {{"grpc-status", "0"}};
    }
    return {
        {"grpc-status", std::to_string(to_number(outcome.error().code()))},
        {"grpc-message", encode_text(outcome.error().message())},
    };
}

Error reset_error(const http2::StreamClosed& closed) {
    const auto code = [&] {
        switch (closed.error) {
            case http2::StreamError::refused:
            case http2::StreamError::cancel:
                return ErrorCode::unavailable;
            case http2::StreamError::enhance_your_calm:
                return ErrorCode::resource_exhausted;
            default:
                return ErrorCode::internal;
        }
    }();
    const auto& reason = closed.reason.empty() ? "it ended early" : closed.reason;
    return {code, "gRPC: the stream was reset: " + std::string(reason)};
}

bool is_grpc(const http2::Headers& headers) {
    return http2::find_header(headers, "content-type").value_or("").starts_with("application/grpc");
}

std::string format_timeout(Duration timeout) {
    const auto count = std::max<std::int64_t>(timeout.count(), 1);
    for (const auto& unit : kUnits) {
        const auto amount = count / unit.nanoseconds + (count % unit.nanoseconds > 0 ? 1 : 0);
        if (amount <= kTimeoutMax) {
            return std::to_string(amount) + unit.letter;
        }
    }
    return std::to_string(kTimeoutMax) + kUnits.back().letter;
}

std::optional<Duration> parse_timeout(std::string_view text) {
    std::int64_t amount = 0;
    if (text.size() < 2) {
        return std::nullopt;
    }
    const auto* end = text.data() + text.size() - 1;
    const auto parsed = std::from_chars(text.data(), end, amount);
    const auto unit = std::ranges::find(kUnits, text.back(), &Unit::letter);
    if (parsed.ec != std::errc() || parsed.ptr != end || unit == kUnits.end() || amount < 0 ||
        amount > kTimeoutMax) {
        return std::nullopt;
    }
    const auto longest = Duration::max().count() / unit->nanoseconds;
    return Duration(std::min(amount, longest) * unit->nanoseconds);
}

std::string encode_text(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string encoded;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte >= 0x20 && byte <= 0x7E && byte != '%') {
            encoded += character;
        } else {
            encoded += '%';
            encoded += kDigits[byte >> 4U];
            encoded += kDigits[byte & 0xFU];
        }
    }
    return encoded;
}

std::string decode_text(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const auto high = hex_digit(text[i + 1]);
            const auto low = hex_digit(text[i + 2]);
            if (high && low) {
                decoded += static_cast<char>(*high * 16 + *low);
                i += 2;
                continue;
            }
        }
        decoded += text[i];
    }
    return decoded;
}

}  // namespace farhold::grpc
