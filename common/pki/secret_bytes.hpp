// SPDX-License-Identifier: Apache-2.0
//
// Randomness and hashing for secrets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace farhold::pki {

// From OpenSSL's generator; ends the process if there is no randomness.
std::string random_bytes(std::size_t count);

// The 32 bytes of HMAC-SHA-256.
std::string hmac_sha256(std::string_view key, std::string_view message);

// In a time that does not depend on where they differ.
bool equal_in_constant_time(std::string_view left, std::string_view right);

}  // namespace farhold::pki
