// SPDX-License-Identifier: Apache-2.0
#include "common/pki/key.hpp"

#include "common/base/ensure.hpp"
#include "common/pki/openssl.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>

#include <array>

namespace farhold::pki {

namespace {

bool is_accepted(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "ED25519") == 1) {
        return true;
    }
    if (EVP_PKEY_is_a(key, "EC") != 1) {
        return false;
    }
    std::array<char, 64> group{};
    std::size_t length = 0;
    if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) != 1) {
        return false;
    }
    const std::string_view name(group.data(), length);
    return name == "prime256v1" || name == "P-256" || name == "secp384r1" || name == "P-384";
}

}  // namespace

std::string PublicKey::id() const {
    return key_id_of(handle_.get());
}

PrivateKey PrivateKey::generate() {
    KeyPtr key(EVP_EC_gen("P-256"));
    ensure(key != nullptr, "a key can be generated");
    return PrivateKey(std::move(key));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
    auto key = read_private_key(pem);
    if (!key) {
        return fail(key.error());
    }
    if (!is_accepted(key->get())) {
        return fail(ErrorCode::invalid_argument, "private key: not P-256, P-384 or Ed25519");
    }
    return PrivateKey(std::move(*key));
}

std::string PrivateKey::to_pem() const {
    const BioPtr bio(BIO_new(BIO_s_secmem()));
    const int written = PEM_write_bio_PKCS8PrivateKey(
        bio.get(), handle_.get(), nullptr, nullptr, 0, nullptr, nullptr
    );
    ensure(written == 1, "a private key can be written");
    return text_of(bio.get());
}

std::string make_certificate_request(const PrivateKey& key) {
    const X509ReqPtr request(X509_REQ_new());
    const EVP_MD* digest = EVP_PKEY_is_a(key.handle(), "ED25519") == 1 ? nullptr : EVP_sha256();
    const BioPtr bio(BIO_new(BIO_s_mem()));
    const bool made = X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                      X509_REQ_set_pubkey(request.get(), key.handle()) == 1 &&
                      X509_REQ_sign(request.get(), key.handle(), digest) > 0 &&
                      PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1;
    ensure(made, "a certificate request can be made");
    return text_of(bio.get());
}

Result<PublicKey> parse_certificate_request(std::string_view pem) {
    if (pem.size() > kCertificateRequestBytesMax) {
        return fail(ErrorCode::invalid_argument, "certificate request: too long");
    }
    const BioPtr bio = bio_over(pem);
    const X509ReqPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
    if (!request) {
        return fail(ErrorCode::invalid_argument, "certificate request: " + take_openssl_error());
    }
    KeyPtr key(X509_REQ_get_pubkey(request.get()));
    // The kind first: checking a signature of a monstrous RSA key would cost us, not the sender.
    if (!key || !is_accepted(key.get())) {
        ERR_clear_error();
        return fail(
            ErrorCode::invalid_argument,
            "certificate request: the key is not P-256, P-384 or Ed25519"
        );
    }
    if (X509_REQ_verify(request.get(), key.get()) != 1) {
        ERR_clear_error();
        return fail(ErrorCode::invalid_argument, "certificate request: its signature is wrong");
    }
    return PublicKey(std::move(key));
}

}  // namespace farhold::pki
