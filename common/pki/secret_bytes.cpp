// SPDX-License-Identifier: Apache-2.0
#include "common/pki/secret_bytes.hpp"

#include "common/base/ensure.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <climits>

namespace farhold::pki {

std::string random_bytes(std::size_t count) {
    ensure(count <= INT_MAX, "a sane number of random bytes");
    std::string bytes(count, '\0');
    const int got =
        RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count));
    ensure(got == 1, "the system has randomness");
    return bytes;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
    ensure(key.size() <= INT_MAX, "a sane size of a key");
    std::string digest(32, '\0');
    unsigned int size = 0;
    const unsigned char* made = HMAC(
        EVP_sha256(), key.data(), static_cast<int>(key.size()),
        reinterpret_cast<const unsigned char*>(message.data()), message.size(),
        reinterpret_cast<unsigned char*>(digest.data()), &size
    );
    ensure(made != nullptr && size == digest.size(), "HMAC-SHA-256 is there");
    return digest;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace farhold::pki
