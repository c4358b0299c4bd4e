// SPDX-License-Identifier: Apache-2.0
#include "common/pki/join_token.hpp"

#include "common/base/encoding.hpp"
#include "common/pki/secret_bytes.hpp"

#include <algorithm>
#include <array>
#include <ranges>

namespace farhold::pki {

namespace {

constexpr std::string_view kVersion = "fh1";
constexpr std::string_view kIdAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t kIdLength = 16;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kKeyIdLength = 64;

bool consists_of(std::string_view text, std::string_view alphabet) {
    return text.find_first_not_of(alphabet) == std::string_view::npos;
}

}  // namespace

bool is_token_id(std::string_view text) {
    return text.size() == kIdLength && consists_of(text, kIdAlphabet);
}

JoinToken make_join_token(std::string_view ca_key_id) {
    JoinToken token;
    for (const char byte : random_bytes(kIdLength)) {
        token.id += kIdAlphabet[static_cast<unsigned char>(byte) % kIdAlphabet.size()];
    }
    token.secret = base64url_encode(random_bytes(kSecretBytes));
    token.ca_key_id = ca_key_id;
    return token;
}

std::string to_text(const JoinToken& token) {
    std::string text(kVersion);
    for (const auto* part : {&token.id, &token.secret, &token.ca_key_id}) {
        text += '.';
        text += *part;
    }
    return text;
}

Result<JoinToken> parse_join_token(std::string_view text) {
    std::array<std::string_view, 4> parts;
    std::size_t count = 0;
    for (const auto part : std::views::split(text, '.')) {
        if (count == parts.size()) {
            return fail(ErrorCode::invalid_argument, "token: too many parts");
        }
        parts[count++] = std::string_view(part);
    }
    if (count != parts.size() || parts[0] != kVersion) {
        return fail(ErrorCode::invalid_argument, "token: not of the form fh1.ID.SECRET.HASH");
    }
    if (!is_token_id(parts[1])) {
        return fail(ErrorCode::invalid_argument, "token: its id is damaged");
    }
    const auto secret = base64url_decode(parts[2]);
    if (!secret || secret->size() != kSecretBytes) {
        return fail(ErrorCode::invalid_argument, "token: its secret is damaged");
    }
    if (parts[3].size() != kKeyIdLength || !consists_of(parts[3], "0123456789abcdef")) {
        return fail(ErrorCode::invalid_argument, "token: its hash of the hub's CA is damaged");
    }
    return JoinToken{std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
}

}  // namespace farhold::pki
