// SPDX-License-Identifier: Apache-2.0
#include "common/pki/certificate.hpp"
#include "common/pki/join_token.hpp"
#include "common/pki/key.hpp"
#include "common/pki/node_identity.hpp"
#include "common/pki/openssl.hpp"
#include "common/pki/secret_bytes.hpp"
#include "common/pki/signature.hpp"
#include "common/pki/trusted_time.hpp"
#include "tests/support/catch.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <chrono>
#include <string>

using namespace farhold;
using namespace farhold::pki;
using namespace std::chrono_literals;

namespace {

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 25};

// A request for anything, signed by `signer` over the public key of `key`.
std::string hostile_request(EVP_PKEY* key, EVP_PKEY* signer) {
    const X509ReqPtr request(X509_REQ_new());
    X509_REQ_set_pubkey(request.get(), key);
    X509_NAME* name = X509_REQ_get_subject_name(request.get());
    const auto* wish = reinterpret_cast<const unsigned char*>("system:masters");
    X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8, wish, -1, -1, 0);
    X509_REQ_sign(request.get(), signer, EVP_sha256());
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509_REQ(bio.get(), request.get());
    return text_of(bio.get());
}

}  // namespace

TEST_CASE("signature: is of one key and one text", "[pki]") {
    const PrivateKey key = PrivateKey::generate();
    REQUIRE(suits_es256(key));
    for (int i = 0; i < 50; ++i) {  // Numbers with leading zeros come up now and then.
        const std::string text = "header.payload" + std::to_string(i);
        std::string signature = sign_es256(key, text);
        REQUIRE(signature.size() == 64);
        CHECK(verify_es256(key.public_key(), text, signature));
        CHECK_FALSE(verify_es256(key.public_key(), text + "x", signature));
        CHECK_FALSE(verify_es256(PrivateKey::generate().public_key(), text, signature));
        signature[static_cast<std::size_t>(i)] ^= 1;
        CHECK_FALSE(verify_es256(key.public_key(), text, signature));
    }
    CHECK_FALSE(verify_es256(key.public_key(), "", ""));
    CHECK_FALSE(verify_es256(key.public_key(), "", std::string(64, '\0')));
    const PrivateKey longer(std::shared_ptr<EVP_PKEY>(EVP_EC_gen("P-384"), EVP_PKEY_free));
    CHECK_FALSE(suits_es256(longer));
}

TEST_CASE("key: survives its PEM form and keeps its id", "[pki]") {
    const PrivateKey key = PrivateKey::generate();
    const auto again = PrivateKey::from_pem(key.to_pem());
    REQUIRE(again.has_value());
    CHECK(again->public_key().id() == key.public_key().id());
    CHECK(key.public_key().id().size() == 64);
    CHECK(PrivateKey::generate().public_key().id() != key.public_key().id());
    CHECK_FALSE(PrivateKey::from_pem("not a key").has_value());
}

TEST_CASE("certificate_request: gives the key of whoever signed it", "[pki]") {
    const PrivateKey key = PrivateKey::generate();
    const auto parsed = parse_certificate_request(make_certificate_request(key));
    REQUIRE(parsed.has_value());
    CHECK(parsed->id() == key.public_key().id());
}

TEST_CASE("certificate_request: refuses a key that the sender has not shown to own", "[pki]") {
    const KeyPtr stolen(EVP_EC_gen("P-256"));
    const KeyPtr own(EVP_EC_gen("P-256"));
    const auto parsed = parse_certificate_request(hostile_request(stolen.get(), own.get()));
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code() == ErrorCode::invalid_argument);
}

TEST_CASE("certificate_request: refuses other kinds of keys, long and broken texts", "[pki]") {
    const KeyPtr rsa(EVP_RSA_gen(2048));
    CHECK_FALSE(parse_certificate_request(hostile_request(rsa.get(), rsa.get())).has_value());
    const KeyPtr old(EVP_EC_gen("P-192"));
    CHECK_FALSE(parse_certificate_request(hostile_request(old.get(), old.get())).has_value());
    CHECK_FALSE(parse_certificate_request("").has_value());
    CHECK_FALSE(parse_certificate_request(std::string(9000, 'A')).has_value());
    std::string cut = make_certificate_request(PrivateKey::generate());
    cut.resize(cut.size() / 2);
    CHECK_FALSE(parse_certificate_request(cut).has_value());
}

TEST_CASE("authority: puts only its own words into a certificate", "[pki]") {
    const auto authority = CertificateAuthority::create("farhold-hub-ca", kNow);
    const KeyPtr key(EVP_EC_gen("P-384"));
    const auto wanted = parse_certificate_request(hostile_request(key.get(), key.get()));
    REQUIRE(wanted.has_value());
    CertificateSpec spec;
    spec.common_name = "edge-1";
    spec.uris = {"farhold://11111111-2222/node/edge-1"};
    spec.client_auth = true;
    const auto pem = authority.issue(*wanted, spec, kNow);
    REQUIRE(pem.has_value());
    const auto issued = Certificate::from_pem(*pem);
    REQUIRE(issued.has_value());
    CHECK(issued->subject_cn == "edge-1");
    CHECK(issued->organizations.empty());
    CHECK(issued->uris == spec.uris);
    CHECK(issued->key_id == wanted->id());
    CHECK(issued->issued_by(authority.certificate()));
    CHECK(issued->not_after == kNow + 90 * 24h);
}

TEST_CASE("authority: keeps names, addresses and organizations as given", "[pki]") {
    const auto authority = CertificateAuthority::create("farhold-ca", kNow);
    CertificateSpec spec;
    spec.common_name = "hub";
    spec.organizations = {"system:masters"};
    spec.dns_names = {"hub.example", "a,DNS:smuggled.example"};
    spec.ip_addresses = {"127.0.0.1", "2001:db8::1"};
    spec.server_auth = true;
    const PublicKey key = PrivateKey::generate().public_key();
    const auto issued = Certificate::from_pem(authority.issue(key, spec, kNow).value());
    REQUIRE(issued.has_value());
    CHECK(issued->organizations == spec.organizations);
    CHECK(issued->dns_names == spec.dns_names);
    CHECK(issued->ip_addresses == spec.ip_addresses);
    spec.ip_addresses = {"not an address"};
    CHECK_FALSE(authority.issue(key, spec, kNow).has_value());
}

TEST_CASE("authority: loads again from its texts, but not with a foreign key", "[pki]") {
    const auto authority = CertificateAuthority::create("farhold-ca", kNow);
    const auto other = CertificateAuthority::create("farhold-ca", kNow);
    const auto again = CertificateAuthority::load(authority.certificate().pem, authority.key_pem());
    REQUIRE(again.has_value());
    CHECK(again->certificate().key_id == authority.certificate().key_id);
    CHECK_FALSE(CertificateAuthority::load(authority.certificate().pem, other.key_pem()));
}

TEST_CASE(
    "authority: a certificate of another authority with the same name is not its own", "[pki]"
) {
    const auto authority = CertificateAuthority::create("farhold-ca", kNow);
    const auto other = CertificateAuthority::create("farhold-ca", kNow);
    CertificateSpec spec;
    spec.common_name = "edge-1";
    const PublicKey key = PrivateKey::generate().public_key();
    const auto issued = Certificate::from_pem(other.issue(key, spec, kNow).value());
    CHECK_FALSE(issued->issued_by(authority.certificate()));
}

TEST_CASE("certificate: is due for renewal at two thirds of its life", "[pki]") {
    const auto authority = CertificateAuthority::create("farhold-ca", kNow);
    CertificateSpec spec;
    spec.common_name = "edge-1";
    const PublicKey key = PrivateKey::generate().public_key();
    const auto issued = Certificate::from_pem(authority.issue(key, spec, kNow).value());
    CHECK_FALSE(is_due_for_renewal(*issued, kNow + 59 * 24h));
    CHECK(is_due_for_renewal(*issued, kNow + 61 * 24h));
    CHECK(is_due_for_renewal(*issued, kNow + 1000 * 24h));
}

TEST_CASE("node_identity: reads only what it writes", "[pki]") {
    const NodeIdentity identity{"0a1b2c3d-0000-4000-8000-000000000000", "edge-1.site"};
    CHECK(parse_node_uri(to_uri(identity)) == identity);
    for (const auto* text :
         {"", "farhold://", "farhold:///node/edge-1", "farhold://c/node/", "http://c/node/edge-1",
          "farhold://c/node/edge-1/node/edge-2", "farhold://c/node/Edge", "farhold://c/pod/edge-1",
          "farhold://c/node/edge-1#x"}) {
        INFO(text);
        CHECK_FALSE(parse_node_uri(text).has_value());
    }
}

TEST_CASE("join_token: reads only what it writes", "[pki]") {
    const std::string key_id = PrivateKey::generate().public_key().id();
    const JoinToken token = make_join_token(key_id);
    const std::string text = to_text(token);
    CHECK(parse_join_token(text).value() == token);
    CHECK(make_join_token(key_id).secret != token.secret);
    for (const auto& damaged :
         {std::string(), text + ".x", text.substr(1), text.substr(0, text.size() - 1),
          "fh2" + text.substr(3), "fh1..." + key_id, text + "=", " " + text}) {
        const auto parsed = parse_join_token(damaged);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().message().find(token.secret) == std::string::npos);
    }
}

TEST_CASE("secret_bytes: HMAC as in RFC 4231 and a comparison of whole texts", "[pki]") {
    const std::string digest = hmac_sha256("Jefe", "what do ya want for nothing?");
    CHECK(digest.substr(0, 4) == "\x5b\xdc\xc1\x46");
    CHECK(equal_in_constant_time("same", "same"));
    CHECK_FALSE(equal_in_constant_time("same", "sane"));
    CHECK_FALSE(equal_in_constant_time("same", "sam"));
    CHECK(random_bytes(32) != random_bytes(32));
}

TEST_CASE("trusted_time: is the latest known time and never moves backwards", "[pki]") {
    const WallTime build = kNow;
    const Instant start{100h};
    TrustedTime time(build, WallTime{}, start);
    CHECK(time.at(start + 1h) == build + 1h);
    time.prove(build + 48h, start + 1h);
    CHECK(time.at(start + 2h) == build + 49h);
    time.prove(build, start + 2h);  // A hub whose own clock is behind.
    CHECK(time.at(start + 2h) == build + 49h);
    const TrustedTime restarted(build, time.at(start + 2h), Instant{0h});
    CHECK(restarted.at(Instant{1h}) == build + 50h);
    CHECK(restarted.at(Instant{-1h}) == build + 49h);
}
