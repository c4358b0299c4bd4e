// SPDX-License-Identifier: Apache-2.0
//
// An authority with a server's and a client's TLS configuration for 127.0.0.1, valid at kTestNow,
// a moment that has nothing to do with the wall clock of the machine that runs the test.
#pragma once

#include "common/net/tls_config.hpp"
#include "common/pki/certificate.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace farhold::test {

inline constexpr WallTime kTestNow =
    std::chrono::sys_days{std::chrono::year{2040} / std::chrono::June / 1};

struct TestPki {
    struct Identity {
        std::string certificate_pem;
        std::string private_key_pem;
    };

    Identity issue(pki::CertificateSpec spec, WallTime now = kTestNow) const {
        const auto key = pki::PrivateKey::generate();
        return {authority.issue(key.public_key(), spec, now).value(), key.to_pem()};
    }

    net::TlsServerConfig server(WallTime issued_at = kTestNow) const {
        pki::CertificateSpec spec;
        spec.common_name = "hub";
        spec.ip_addresses = {"127.0.0.1"};
        spec.server_auth = true;
        auto identity = issue(std::move(spec), issued_at);
        net::TlsServerConfig config;
        config.certificate_chain_pem = identity.certificate_pem + authority.certificate().pem;
        config.private_key_pem = std::move(identity.private_key_pem);
        config.client_ca_pem = authority.certificate().pem;
        config.trusted_now = [] { return kTestNow; };
        return config;
    }

    Identity node(const std::string& uri, WallTime issued_at = kTestNow) const {
        pki::CertificateSpec spec;
        spec.common_name = "node";
        spec.uris = {uri};
        spec.client_auth = true;
        return issue(std::move(spec), issued_at);
    }

    // Without a certificate of its own.
    net::TlsClientConfig client() const {
        net::TlsClientConfig config;
        config.ca_pem = authority.certificate().pem;
        config.server_name = "127.0.0.1";
        config.trusted_now = [] { return kTestNow; };
        return config;
    }

    net::TlsClientConfig client(Identity identity) const {
        auto config = client();
        config.certificate_pem = std::move(identity.certificate_pem);
        config.private_key_pem = std::move(identity.private_key_pem);
        return config;
    }

    pki::CertificateAuthority authority = pki::CertificateAuthority::create("test-ca", kTestNow);
};

}  // namespace farhold::test
