// SPDX-License-Identifier: Apache-2.0
#include "common/base/encoding.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace farhold {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

std::string encode64(std::string_view bytes, std::string_view alphabet, bool pad) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t j = 0; j < 3; ++j) {
            group = (group << 8U) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            if (j <= count) {
                out.push_back(alphabet[(group >> (18U - 6U * j)) & 63U]);
            } else if (pad) {
                out.push_back('=');
            }
        }
    }
    return out;
}

Result<std::string> decode64(std::string_view text, std::string_view alphabet) {
    while (!text.empty() && text.back() == '=') text.remove_suffix(1);
    if (text.size() % 4 == 1) return fail(ErrorCode::invalid_argument, "truncated base64");
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const auto value = alphabet.find(c);
        if (value == std::string_view::npos) {
            return fail(ErrorCode::invalid_argument, "character outside base64");
        }
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out.push_back(static_cast<char>((bits >> held) & 0xffU));
        }
    }
    return out;
}

}  // namespace

std::string hex_encode(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out.push_back(kHex[byte >> 4U]);
        out.push_back(kHex[byte & 15U]);
    }
    return out;
}

Result<std::string> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) return fail(ErrorCode::invalid_argument, "odd number of hex digits");
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto high = hex_digit(text[i]);
        const auto low = hex_digit(text[i + 1]);
        if (!high || !low) return fail(ErrorCode::invalid_argument, "character outside hex");
        out.push_back(static_cast<char>(*high << 4U | *low));
    }
    return out;
}

std::string base64_encode(std::string_view bytes) {
    return encode64(bytes, kStandard, true);
}
Result<std::string> base64_decode(std::string_view text) {
    return decode64(text, kStandard);
}
std::string base64url_encode(std::string_view bytes) {
    return encode64(bytes, kUrl, false);
}
Result<std::string> base64url_decode(std::string_view text) {
    return decode64(text, kUrl);
}

Result<std::string> percent_decode(std::string_view text, bool form) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && form) {
            out.push_back(' ');
        } else if (text[i] != '%') {
            out.push_back(text[i]);
        } else {
            if (i + 2 >= text.size()) {
                return fail(ErrorCode::invalid_argument, "truncated percent escape");
            }
            auto byte = hex_decode(text.substr(i + 1, 2));
            if (!byte) return fail(ErrorCode::invalid_argument, "bad percent escape");
            out += *byte;
            i += 2;
        }
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view upper = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out.push_back(c);
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.push_back('%');
            out.push_back(upper[byte >> 4U]);
            out.push_back(upper[byte & 15U]);
        }
    }
    return out;
}

}  // namespace farhold
