// SPDX-License-Identifier: Apache-2.0
#include "common/pki/signature.hpp"

#include "common/base/ensure.hpp"
#include "common/pki/openssl.hpp"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>

#include <memory>

namespace farhold::pki {

namespace {

constexpr std::size_t kNumberBytes = 32;

using DigestPtr = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using NumbersPtr = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

bool suits_es256(const PrivateKey& key) {
    return EVP_PKEY_is_a(key.handle(), "EC") == 1 && EVP_PKEY_get_bits(key.handle()) == 256;
}

std::string sign_es256(const PrivateKey& key, std::string_view text) {
    const DigestPtr digest(EVP_MD_CTX_new());
    std::size_t size = 0;
    bool done = EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.handle()) == 1;
    done = done && EVP_DigestSign(digest.get(), nullptr, &size, bytes_of(text), text.size()) == 1;
    std::string der(size, '\0');
    done = done &&
           EVP_DigestSign(digest.get(), bytes_of(der), &size, bytes_of(text), text.size()) == 1;
    ensure(done, "a text can be signed");
    const unsigned char* start = bytes_of(std::string_view(der));
    const NumbersPtr numbers(d2i_ECDSA_SIG(nullptr, &start, static_cast<long>(size)));
    std::string signature(2 * kNumberBytes, '\0');
    unsigned char* out = bytes_of(signature);
    const bool fits =
        numbers != nullptr &&
        BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), out, kNumberBytes) == kNumberBytes &&
        BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), out + kNumberBytes, kNumberBytes) ==
            kNumberBytes;
    ensure(fits, "the key is on P-256");
    return signature;
}

bool verify_es256(const PublicKey& key, std::string_view text, std::string_view signature) {
    if (signature.size() != 2 * kNumberBytes) {
        return false;
    }
    const NumbersPtr numbers(ECDSA_SIG_new());
    BIGNUM* r = BN_bin2bn(bytes_of(signature), kNumberBytes, nullptr);
    BIGNUM* s = BN_bin2bn(bytes_of(signature) + kNumberBytes, kNumberBytes, nullptr);
    ensure(ECDSA_SIG_set0(numbers.get(), r, s) == 1, "two numbers are a signature");
    std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(numbers.get(), nullptr)), '\0');
    unsigned char* out = bytes_of(der);
    i2d_ECDSA_SIG(numbers.get(), &out);
    const DigestPtr digest(EVP_MD_CTX_new());
    const bool good =
        EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.handle()) == 1 &&
        EVP_DigestVerify(
            digest.get(), bytes_of(std::string_view(der)), der.size(), bytes_of(text), text.size()
        ) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace farhold::pki
