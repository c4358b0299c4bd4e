// SPDX-License-Identifier: Apache-2.0
//
// Who is at the other end, as TLS has proved it, and where to reach somebody.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace farhold::net {

struct Endpoint {
    std::string host;  // A name or an address; IPv6 without brackets.
    std::uint16_t port = 0;
};

struct PeerIdentity {
    std::string address;  // Without the port: "192.0.2.7", "2001:db8::1".
    std::uint16_t port = 0;

    // The rest is about the certificate, and only set when it was verified against our CA.
    bool has_certificate = false;
    // Everything is right but the certificate has expired: good for a renewal and nothing else.
    bool expired_only = false;
    std::string subject_cn;
    std::vector<std::string> organizations;
    std::vector<std::string> san_uris;
    std::string spki_sha256_hex;  // The key id.
    std::string certificate_pem;
};

}  // namespace farhold::net
