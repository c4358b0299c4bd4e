// SPDX-License-Identifier: Apache-2.0
//
// Pure: the text by which a machine joins: fh1.<id>.<secret>.<CA key id>. The secret proves the
// machine to the hub, once; the CA key id proves the hub to the machine, before it says the secret.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>

namespace farhold::pki {

struct JoinToken {
    std::string id;      // 16 characters of a-z2-7. Not secret: names the token in lists and logs.
    std::string secret;  // 32 random bytes as base64url.
    std::string ca_key_id;  // SHA-256 of the CA's SubjectPublicKeyInfo, lower case hex.

    bool operator==(const JoinToken&) const = default;
};

JoinToken make_join_token(std::string_view ca_key_id);

bool is_token_id(std::string_view text);

std::string to_text(const JoinToken& token);

// The error says what is wrong with the form and never repeats the text.
Result<JoinToken> parse_join_token(std::string_view text);

}  // namespace farhold::pki
