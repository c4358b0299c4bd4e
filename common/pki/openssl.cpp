// SPDX-License-Identifier: Apache-2.0
#include "common/pki/openssl.hpp"

#include "common/base/encoding.hpp"
#include "common/base/ensure.hpp"
#include "common/base/sha256.hpp"

#include <openssl/pem.h>

#include <climits>

namespace farhold::pki {

namespace {

// A PEM file from outside must never make the process ask for a pass phrase on its terminal.
int no_pass_phrase(char*, int, int, void*) {
    return -1;
}

}  // namespace

std::string take_openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) {
        return "unknown TLS error";
    }
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

BioPtr bio_over(std::string_view text) {
    ensure(text.size() <= INT_MAX, "PEM texts are small");
    return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return {data, static_cast<std::size_t>(size)};
}

Result<std::vector<X509Ptr>> read_certificates(std::string_view pem) {
    const BioPtr bio = bio_over(pem);
    std::vector<X509Ptr> certificates;
    for (;;) {
        X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr));
        if (!certificate) {
            break;
        }
        certificates.push_back(std::move(certificate));
    }
    // The end of the text is reported as "no start line"; anything else is damage.
    const unsigned long code = ERR_peek_last_error();
    const bool at_end =
        ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (!at_end) {
        return fail(ErrorCode::invalid_argument, "certificate: " + take_openssl_error());
    }
    ERR_clear_error();
    if (certificates.empty()) {
        return fail(ErrorCode::invalid_argument, "no certificate in the text");
    }
    return certificates;
}

Result<KeyPtr> read_private_key(std::string_view pem) {
    const BioPtr bio = bio_over(pem);
    KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
    if (!key) {
        return fail(ErrorCode::invalid_argument, "private key: " + take_openssl_error());
    }
    return key;
}

std::string to_pem(X509* certificate) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    ensure(PEM_write_bio_X509(bio.get(), certificate) == 1, "a certificate can be written");
    return text_of(bio.get());
}

std::string key_id_of(EVP_PKEY* key) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    ensure(size > 0, "a public key can be written");
    const std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return hex_encode(sha256(bytes));
}

std::string key_id_of(X509* certificate) {
    EVP_PKEY* key = X509_get0_pubkey(certificate);
    return key != nullptr ? key_id_of(key) : std::string();
}

}  // namespace farhold::pki
