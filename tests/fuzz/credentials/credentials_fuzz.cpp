// SPDX-License-Identifier: Apache-2.0
//
// Keys, certificates and requests for them, as PEM or (first byte 'd') as DER that is wrapped into
// it. A request that is taken has an allowed key, and the certificate that is made of it says what
// the authority wants and nothing that the request asks for.
#include "common/base/encoding.hpp"
#include "common/base/ensure.hpp"
#include "common/pki/certificate.hpp"
#include "common/pki/join_token.hpp"
#include "common/pki/key.hpp"
#include "edgecore/security/credentials.hpp"
#include "edgecore/security/join.hpp"
#include "tests/support/fuzz_input.hpp"

#include <openssl/evp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace farhold;

namespace {

constexpr WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4};

std::string wrapped(std::string_view der, const std::string& label) {
    const std::string text = base64_encode(der);
    std::string pem = "-----BEGIN " + label + "-----\n";
    for (std::size_t i = 0; i < text.size(); i += 64) {
        pem += text.substr(i, 64) + "\n";
    }
    return pem + "-----END " + label + "-----\n";
}

const pki::CertificateAuthority& authority() {
    static const auto made = pki::CertificateAuthority::create("ca", kNow);
    return made;
}

bool is_allowed(const pki::PublicKey& key) {
    const int kind = EVP_PKEY_base_id(key.handle());
    const int bits = EVP_PKEY_bits(key.handle());
    return kind == EVP_PKEY_ED25519 || (kind == EVP_PKEY_EC && (bits == 256 || bits == 384));
}

void check_request(std::string_view pem) {
    const auto key = pki::parse_certificate_request(pem);
    if (!key) {
        return;
    }
    ensure(pem.size() <= pki::kCertificateRequestBytesMax, "of bounded size");
    ensure(is_allowed(*key), "with an allowed key");
    pki::CertificateSpec spec;
    spec.common_name = "node";
    spec.uris = {"farhold://c/node/edge-1"};
    spec.client_auth = true;
    const auto issued = authority().issue(*key, spec, kNow);
    ensure(issued.has_value(), "good for a certificate");
    const auto certificate = pki::Certificate::from_pem(*issued);
    ensure(certificate && certificate->issued_by(authority().certificate()), "by our authority");
    ensure(certificate->uris == spec.uris && certificate->key_id == key->id(), "as it was wanted");
    ensure(
        certificate->dns_names.empty() && certificate->ip_addresses.empty() &&
            certificate->organizations.empty() && certificate->subject_cn == "node",
        "and not as it was asked for"
    );
}

void check_certificate(std::string_view pem) {
    const auto certificate = pki::Certificate::from_pem(pem);
    if (!certificate) {
        return;
    }
    const auto again = pki::Certificate::from_pem(certificate->pem);
    ensure(again && again->pem == certificate->pem, "a certificate reads as it is written");
    ensure(again->key_id == certificate->key_id && again->uris == certificate->uris, "the same");
    ensure(again->not_after == certificate->not_after, "as long");
    ensure(!certificate->issued_by(authority().certificate()), "nobody forges ours");
    (void)pki::is_due_for_renewal(*certificate, kNow);
    (void)security::renewal_time(*certificate);
    static const auto key = pki::PrivateKey::generate();
    ensure(!certificate->matches(key), "nor guesses a key");
    (void)security::make_credentials(key, pem, pem);
}

void check_answer(const std::string& text) {
    static const auto key = pki::PrivateKey::generate();
    static const auto token = pki::make_join_token(authority().certificate().key_id);
    const auto joined = security::read_enrol_answer(text, key, token);
    ensure(!joined && !joined.error().message().empty(), "nobody else answers for our authority");
}

void check_key(std::string_view pem) {
    const auto key = pki::PrivateKey::from_pem(pem);
    if (!key) {
        return;
    }
    const auto again = pki::PrivateKey::from_pem(key->to_pem());
    ensure(again && again->public_key().id() == key->public_key().id(), "the same key");
    (void)pki::CertificateAuthority::load(authority().certificate().pem, pem);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const bool is_der = in.byte() == 'd';
    const std::string text(in.rest());
    check_request(is_der ? wrapped(text, "CERTIFICATE REQUEST") : text);
    check_certificate(is_der ? wrapped(text, "CERTIFICATE") : text);
    check_key(is_der ? wrapped(text, "PRIVATE KEY") : text);
    check_answer(text);
    if (const auto token = pki::parse_join_token(text)) {
        ensure(pki::to_text(*token) == text, "a token reads as it is written");
    }
    return 0;
}
