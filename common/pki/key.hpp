// SPDX-License-Identifier: Apache-2.0
//
// Keys. We make P-256 keys only; public keys of others may also be P-384 or Ed25519. A key is known
// by its id: the SHA-256 of its SubjectPublicKeyInfo in lower case hex.
#pragma once

#include "common/base/error.hpp"

#include <memory>
#include <string>
#include <string_view>

// OpenSSL's type, so that no OpenSSL header is needed here.
struct evp_pkey_st;

namespace farhold::pki {

class PublicKey {
public:
    explicit PublicKey(std::shared_ptr<evp_pkey_st> handle) : handle_(std::move(handle)) {}

    std::string id() const;
    evp_pkey_st* handle() const { return handle_.get(); }

private:
    std::shared_ptr<evp_pkey_st> handle_;  // Immutable and counted by OpenSSL itself.
};

class PrivateKey {
public:
    static PrivateKey generate();
    static Result<PrivateKey> from_pem(std::string_view pem);
    explicit PrivateKey(std::shared_ptr<evp_pkey_st> handle) : handle_(std::move(handle)) {}

    // PKCS #8. The text is a secret: files with it have mode 0600, and it is never logged.
    std::string to_pem() const;
    PublicKey public_key() const { return PublicKey(handle_); }
    evp_pkey_st* handle() const { return handle_.get(); }

private:
    std::shared_ptr<evp_pkey_st> handle_;
};

// A certificate request that carries nothing but the key and the proof that we have it.
std::string make_certificate_request(const PrivateKey& key);

inline constexpr std::size_t kCertificateRequestBytesMax = 8 << 10;

// Takes only the public key, after checking its kind and the request's signature. Names and
// extensions that a request asks for are not even looked at.
Result<PublicKey> parse_certificate_request(std::string_view pem);

}  // namespace farhold::pki
