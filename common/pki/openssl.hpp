// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's objects with owners, for the files that talk to it (common/pki, common/net). Not for
// other headers.
#pragma once

#include "common/base/error.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::pki {

template <auto free>
struct Freer {
    template <class T>
    void operator()(T* object) const {
        free(object);
    }
};

using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using X509ReqPtr = std::unique_ptr<X509_REQ, Freer<X509_REQ_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;

// The oldest error in OpenSSL's queue of this thread as a sentence; empties the queue.
std::string take_openssl_error();

// A read-only memory BIO; the text must outlive it.
BioPtr bio_over(std::string_view text);

std::string text_of(BIO* memory);

// Every certificate of the text, at least one.
Result<std::vector<X509Ptr>> read_certificates(std::string_view pem);
Result<KeyPtr> read_private_key(std::string_view pem);

std::string to_pem(X509* certificate);

// SHA-256 of the SubjectPublicKeyInfo, lower case hex; empty when there is no readable key.
std::string key_id_of(EVP_PKEY* key);
std::string key_id_of(X509* certificate);

}  // namespace farhold::pki
