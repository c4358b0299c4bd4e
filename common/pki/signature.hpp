// SPDX-License-Identifier: Apache-2.0
//
// Signatures of JSON Web Tokens: ES256 (RFC 7518 section 3.4), which is ECDSA over P-256 and SHA-256,
// r and s as 32 bytes each.
#pragma once

#include "common/pki/key.hpp"

#include <string>
#include <string_view>

namespace farhold::pki {

// Whether it is on P-256, as those are that PrivateKey::generate() makes.
bool suits_es256(const PrivateKey& key);

// The key suits.
std::string sign_es256(const PrivateKey& key, std::string_view text);

bool verify_es256(const PublicKey& key, std::string_view text, std::string_view signature);

}  // namespace farhold::pki
