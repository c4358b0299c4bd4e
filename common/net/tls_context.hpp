// SPDX-License-Identifier: Apache-2.0
//
// A TLS configuration made ready for sessions, and the only place that decides whom to believe.
// Internal to common/net. Shared by the sessions made from it, which call back into it.
#pragma once

#include "common/base/error.hpp"
#include "common/net/peer.hpp"
#include "common/net/tls_config.hpp"
#include "common/pki/openssl.hpp"

#include <openssl/ssl.h>

#include <memory>

namespace farhold::net {

using SslPtr = std::unique_ptr<SSL, pki::Freer<SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, pki::Freer<SSL_CTX_free>>;

class TlsContext {
public:
    static Result<std::shared_ptr<const TlsContext>> for_server(TlsServerConfig config);
    static Result<std::shared_ptr<const TlsContext>> for_client(TlsClientConfig config);
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    // Ready for SSL_do_handshake on a non-blocking socket. The context must outlive it.
    SslPtr new_session(int socket) const;

    // After the handshake: fills in what the peer's certificate proves.
    Result<void> identify(SSL* session, PeerIdentity& peer) const;

private:
    TlsContext() = default;

    Result<void> set_up(bool tls13_only);
    Result<void> use_identity(const std::string& chain_pem, const std::string& key_pem);
    Result<void> trust(const std::string& ca_pem);
    static int verify(X509_STORE_CTX* store, void* self);
    int check_time(X509_STORE_CTX* store) const;

    SslContextPtr context_;
    bool is_server_ = false;
    bool allow_expired_ = false;
    std::string server_name_;
    std::string pinned_key_id_;
    std::function<WallTime()> trusted_now_;
};

}  // namespace farhold::net
