// SPDX-License-Identifier: Apache-2.0
#include "common/base/ensure.hpp"
#include "common/pki/certificate.hpp"
#include "common/pki/openssl.hpp"
#include "common/pki/secret_bytes.hpp"

#include <arpa/inet.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <memory>

namespace farhold::pki {

namespace {

constexpr Duration kAuthorityLife = std::chrono::hours(24 * 3652);
// Whoever receives a certificate may have a clock that is a little behind.
constexpr Duration kBackdating = std::chrono::minutes(5);

bool set_time(ASN1_TIME* field, WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    return ASN1_TIME_set(field, seconds) != nullptr;
}

bool set_serial(X509* certificate) {
    std::string bytes = random_bytes(16);
    // Positive and never shorter: RFC 5280 section 4.1.2.2.
    bytes[0] = static_cast<char>((bytes[0] & 0x3f) | 0x40);
    const std::unique_ptr<BIGNUM, Freer<BN_free>> number(
        BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), int(bytes.size()), nullptr)
    );
    return number &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool add_name_entry(X509_NAME* name, int nid, const std::string& value) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
    return X509_NAME_add_entry_by_NID(
               name, nid, MBSTRING_UTF8, bytes, static_cast<int>(value.size()), -1, 0
           ) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value)
    );
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool push_name(GENERAL_NAMES* names, int type, std::string_view bytes) {
    std::unique_ptr<GENERAL_NAME, Freer<GENERAL_NAME_free>> name(GENERAL_NAME_new());
    ASN1_STRING* value =
        type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_STRING_type_new(V_ASN1_IA5STRING);
    if (!name || value == nullptr) {
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name.get(), type, value);
    if (ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) != 1 ||
        sk_GENERAL_NAME_push(names, name.get()) <= 0) {
        return false;
    }
    static_cast<void>(name.release());  // Belongs to the list now.
    return true;
}

std::string address_bytes(const std::string& text) {
    std::array<char, 16> bytes{};
    if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
        return {bytes.data(), 4};
    }
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) {
        return {bytes.data(), 16};
    }
    return {};
}

// Built from parts and not from OpenSSL's configuration text, in which a name with a comma would
// smuggle in a second one.
bool add_alternative_names(X509* certificate, const CertificateSpec& spec) {
    const std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>> names(GENERAL_NAMES_new());
    const auto push_all = [&](int type, const std::vector<std::string>& values) {
        return std::ranges::all_of(values, [&](const std::string& value) {
            const std::string bytes = type == GEN_IPADD ? address_bytes(value) : value;
            return !bytes.empty() && push_name(names.get(), type, bytes);
        });
    };
    if (!names || !push_all(GEN_DNS, spec.dns_names) || !push_all(GEN_IPADD, spec.ip_addresses) ||
        !push_all(GEN_URI, spec.uris)) {
        return false;
    }
    return sk_GENERAL_NAME_num(names.get()) == 0 ||
           X509_add1_ext_i2d(
               certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT
           ) == 1;
}

bool add_key_usage(X509* certificate, X509* issuer, const CertificateSpec& spec) {
    std::string extended = spec.server_auth ? "serverAuth" : "";
    if (spec.client_auth) {
        extended += extended.empty() ? "clientAuth" : ",clientAuth";
    }
    return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
           (extended.empty() ||
            add_extension(certificate, issuer, NID_ext_key_usage, extended.c_str())) &&
           add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
}

bool set_common_parts(X509* certificate, EVP_PKEY* key, WallTime now, Duration life) {
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           set_time(X509_getm_notBefore(certificate), now - kBackdating) &&
           set_time(X509_getm_notAfter(certificate), now + life) &&
           X509_set_pubkey(certificate, key) == 1;
}

const EVP_MD* digest_for(EVP_PKEY* key) {
    return EVP_PKEY_is_a(key, "ED25519") == 1 ? nullptr : EVP_sha256();
}

}  // namespace

CertificateAuthority CertificateAuthority::create(std::string_view common_name, WallTime now) {
    PrivateKey key = PrivateKey::generate();
    const X509Ptr own(X509_new());
    X509* const made = own.get();
    X509_NAME* const name = X509_get_subject_name(made);
    const bool signed_well =
        set_common_parts(made, key.handle(), now, kAuthorityLife) &&
        add_name_entry(name, NID_commonName, std::string(common_name)) &&
        X509_set_issuer_name(made, name) == 1 &&
        add_extension(made, made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(made, made, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(made, made, NID_subject_key_identifier, "hash") &&
        X509_sign(made, key.handle(), digest_for(key.handle())) > 0;
    ensure(signed_well, "a certificate authority can be made");
    auto certificate = read_certificate(made);
    ensure(certificate.has_value(), "our own certificate can be read");
    return {std::move(*certificate), std::move(key)};
}

Result<CertificateAuthority> CertificateAuthority::load(
    std::string_view certificate_pem, std::string_view key_pem
) {
    auto certificate = Certificate::from_pem(certificate_pem);
    if (!certificate) {
        return fail(certificate.error());
    }
    auto key = PrivateKey::from_pem(key_pem);
    if (!key) {
        return fail(key.error());
    }
    if (!certificate->matches(*key)) {
        return fail(ErrorCode::invalid_argument, "the key does not belong to the certificate");
    }
    return CertificateAuthority(std::move(*certificate), std::move(*key));
}

Result<std::string> CertificateAuthority::issue(
    const PublicKey& key, const CertificateSpec& spec, WallTime now
) const {
    const auto authority = read_certificates(certificate_.pem);
    ensure(authority.has_value(), "our own certificate can be read");
    X509* const issuer = authority->front().get();
    const X509Ptr issued(X509_new());
    X509* const made = issued.get();
    X509_NAME* const name = X509_get_subject_name(made);
    const auto add_organization = [name](const std::string& value) {
        return add_name_entry(name, NID_organizationName, value);
    };
    // A certificate never outlives its issuer.
    const Duration life = std::min<Duration>(spec.life, certificate_.not_after - now);
    const bool signed_well = set_common_parts(made, key.handle(), now, life) &&
                             std::ranges::all_of(spec.organizations, add_organization) &&
                             add_name_entry(name, NID_commonName, spec.common_name) &&
                             X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1 &&
                             add_key_usage(made, issuer, spec) &&
                             add_alternative_names(made, spec) &&
                             X509_sign(made, key_.handle(), digest_for(key_.handle())) > 0;
    if (!signed_well) {
        return fail(ErrorCode::invalid_argument, "issue a certificate: " + take_openssl_error());
    }
    return to_pem(made);
}

}  // namespace farhold::pki
