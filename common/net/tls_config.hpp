// SPDX-License-Identifier: Apache-2.0
//
// What TLS needs to know. There is no way to turn verification off: a client always proves the
// server by its own CA (or the hash of that CA's key) and by name, never by the system's CA store.
// Expiry is judged by `trusted_now`, never by the wall clock of a machine that may be wrong, and
// notBefore is not judged at all (architecture.md, trusted time). Early data, tickets, compression
// and renegotiation are off.
#pragma once

#include "common/base/time.hpp"

#include <functional>
#include <string>

namespace farhold::net {

struct TlsServerConfig {
    // The server's certificate first; with the CA at the end when clients know only its hash.
    std::string certificate_chain_pem;
    std::string private_key_pem;

    // The CAs of client certificates; empty: no certificate is asked for. A certificate that does
    // not verify ends the handshake, so has_certificate means proved.
    std::string client_ca_pem;
    bool client_certificate_required = false;
    // An expired but otherwise right client certificate is let in as PeerIdentity::expired_only.
    bool allow_expired_client_certificates = false;

    bool tls13_only = false;
    std::function<WallTime()> trusted_now;
};

struct TlsClientConfig {
    // Exactly one of the two: the CAs, or the SHA-256 (lower case hex) of the CA's
    // SubjectPublicKeyInfo, which the server must then send as part of its chain.
    std::string ca_pem;
    std::string ca_spki_sha256_hex;

    // The name or address that the server's certificate must carry.
    std::string server_name;

    // Our own certificate; both empty: none.
    std::string certificate_pem;
    std::string private_key_pem;

    bool tls13_only = false;
    std::function<WallTime()> trusted_now;
};

}  // namespace farhold::net
