// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4) by OpenSSL: content hashes, row checksums, CA pins.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace farhold {

// The 32 bytes of the digest.
std::string sha256(std::string_view bytes);

// Digest of the parts, each preceded by its length, so that ("ab","c") differs from ("a","bc").
std::string sha256_of(std::initializer_list<std::string_view> parts);

}  // namespace farhold
