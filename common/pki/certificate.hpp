// SPDX-License-Identifier: Apache-2.0
//
// X.509 certificates: what we read from one, and the authority that issues ours.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/pki/key.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

// OpenSSL's type, so that no OpenSSL header is needed here.
struct x509_st;

namespace farhold::pki {

// A parsed certificate. Parsing proves nothing: trust comes from TLS or from issued_by().
struct Certificate {
    std::string subject_cn;
    std::vector<std::string> organizations;
    std::vector<std::string> dns_names;
    std::vector<std::string> ip_addresses;
    std::vector<std::string> uris;
    WallTime not_before;
    WallTime not_after;
    std::string key_id;
    std::string pem;

    // The first certificate of the text.
    static Result<Certificate> from_pem(std::string_view pem);

    // Whether its signature was made by the key of that certificate.
    bool issued_by(const Certificate& issuer) const;

    // Whether that private key belongs to it.
    bool matches(const PrivateKey& key) const;
};

// The same from a certificate that OpenSSL has parsed already.
Result<Certificate> read_certificate(x509_st* handle);

// What the authority puts into a certificate; nothing comes from a request.
struct CertificateSpec {
    std::string common_name;
    std::vector<std::string> organizations;
    std::vector<std::string> dns_names;
    std::vector<std::string> ip_addresses;
    std::vector<std::string> uris;
    bool server_auth = false;
    bool client_auth = false;
    Duration life = std::chrono::hours(24 * 90);
};

class CertificateAuthority {
public:
    // A new self-signed one that lives ten years.
    static CertificateAuthority create(std::string_view common_name, WallTime now);
    static Result<CertificateAuthority> load(
        std::string_view certificate_pem, std::string_view key_pem
    );

    Result<std::string> issue(const PublicKey& key, const CertificateSpec& spec, WallTime now)
        const;

    const Certificate& certificate() const { return certificate_; }
    std::string key_pem() const { return key_.to_pem(); }

private:
    CertificateAuthority(Certificate certificate, PrivateKey key)
        : certificate_(std::move(certificate)), key_(std::move(key)) {}

    Certificate certificate_;
    PrivateKey key_;
};

// Whether two thirds of its life are over.
bool is_due_for_renewal(const Certificate& certificate, WallTime now);

}  // namespace farhold::pki
