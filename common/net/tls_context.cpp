// SPDX-License-Identifier: Apache-2.0
#include "common/net/tls_context.hpp"

#include "common/base/ensure.hpp"
#include "common/net/socket_bio.hpp"
#include "common/pki/certificate.hpp"

#include <arpa/inet.h>

#include <array>

namespace farhold::net {

namespace {

constexpr std::array<unsigned char, 9> kAlpn = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// Takes http/1.1 when it is offered; otherwise goes on without the extension.
int choose_alpn(
    SSL* /*session*/, const unsigned char** chosen, unsigned char* chosen_size,
    const unsigned char* offered, unsigned int offered_size, void* /*argument*/
) {
    unsigned char* match = nullptr;
    const int outcome = SSL_select_next_proto(
        &match, chosen_size, kAlpn.data(), kAlpn.size(), offered, offered_size
    );
    *chosen = match;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

bool is_address(const std::string& host) {
    std::array<unsigned char, 16> bytes{};
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

std::unexpected<Error> config_error(const std::string& what) {
    return fail(ErrorCode::invalid_argument, "TLS: " + what);
}

}  // namespace

Result<void> TlsContext::set_up(bool tls13_only) {
    context_.reset(SSL_CTX_new(is_server_ ? TLS_server_method() : TLS_client_method()));
    SSL_CTX* const context = context_.get();
    if (context == nullptr) {
        return config_error(pki::take_openssl_error());
    }
    if (!trusted_now_) {
        return config_error("no source of time");
    }
    SSL_CTX_set_min_proto_version(context, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(
        context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                     SSL_OP_CIPHER_SERVER_PREFERENCE
    );
    // No resumption: a resumed session would carry a certificate that may be revoked or expired now.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_mode(
        context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    );
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1) {
        return config_error(pki::take_openssl_error());
    }
    // verify() judges time itself, by trusted time.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
    SSL_CTX_set_cert_verify_callback(context, &TlsContext::verify, this);
    return {};
}

Result<void> TlsContext::use_identity(const std::string& chain_pem, const std::string& key_pem) {
    auto chain = pki::read_certificates(chain_pem);
    if (!chain) {
        return fail(chain.error().within("TLS"));
    }
    const auto key = pki::read_private_key(key_pem);
    if (!key) {
        return fail(key.error().within("TLS"));
    }
    SSL_CTX* const context = context_.get();
    if (SSL_CTX_use_certificate(context, chain->front().get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key->get()) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return config_error(pki::take_openssl_error());
    }
    for (std::size_t at = 1; at < chain->size(); ++at) {
        if (SSL_CTX_add1_chain_cert(context, (*chain)[at].get()) != 1) {
            return config_error(pki::take_openssl_error());
        }
    }
    return {};
}

Result<void> TlsContext::trust(const std::string& ca_pem) {
    const auto authorities = pki::read_certificates(ca_pem);
    if (!authorities) {
        return fail(authorities.error().within("TLS: trusted CA"));
    }
    for (const auto& authority : *authorities) {
        X509_STORE* const store = SSL_CTX_get_cert_store(context_.get());
        if (X509_STORE_add_cert(store, authority.get()) != 1 ||
            (is_server_ && SSL_CTX_add_client_CA(context_.get(), authority.get()) != 1)) {
            return config_error(pki::take_openssl_error());
        }
    }
    return {};
}

Result<std::shared_ptr<const TlsContext>> TlsContext::for_server(TlsServerConfig config) {
    const std::shared_ptr<TlsContext> made(new TlsContext);
    made->is_server_ = true;
    made->allow_expired_ = config.allow_expired_client_certificates;
    made->trusted_now_ = std::move(config.trusted_now);
    if (auto done = made->set_up(config.tls13_only); !done) {
        return fail(done.error());
    }
    if (auto done = made->use_identity(config.certificate_chain_pem, config.private_key_pem);
        !done) {
        return fail(done.error());
    }
    SSL_CTX_set_alpn_select_cb(made->context_.get(), choose_alpn, nullptr);
    if (config.client_ca_pem.empty()) {
        if (config.client_certificate_required || config.allow_expired_client_certificates) {
            return config_error("client certificates without a CA to judge them by");
        }
        return made;
    }
    if (auto done = made->trust(config.client_ca_pem); !done) {
        return fail(done.error());
    }
    const int required = config.client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    SSL_CTX_set_verify(made->context_.get(), SSL_VERIFY_PEER | required, nullptr);
    return made;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::for_client(TlsClientConfig config) {
    const std::shared_ptr<TlsContext> made(new TlsContext);
    made->server_name_ = std::move(config.server_name);
    made->pinned_key_id_ = std::move(config.ca_spki_sha256_hex);
    made->trusted_now_ = std::move(config.trusted_now);
    if (made->server_name_.empty()) {
        return config_error("the name of the server is missing");
    }
    if (config.ca_pem.empty() == made->pinned_key_id_.empty()) {
        return config_error("needs either a CA or the hash of its key");
    }
    if (auto done = made->set_up(config.tls13_only); !done) {
        return fail(done.error());
    }
    if (!config.ca_pem.empty()) {
        if (auto done = made->trust(config.ca_pem); !done) {
            return fail(done.error());
        }
    }
    if (!config.certificate_pem.empty() || !config.private_key_pem.empty()) {
        if (auto done = made->use_identity(config.certificate_pem, config.private_key_pem); !done) {
            return fail(done.error());
        }
    }
    SSL_CTX_set_verify(made->context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_alpn_protos(made->context_.get(), kAlpn.data(), kAlpn.size());
    return made;
}

SslPtr TlsContext::new_session(int socket) const {
    SslPtr session(SSL_new(context_.get()));
    ensure(session != nullptr, "OpenSSL has memory for a session");
    BIO* const bio = new_socket_bio(socket);
    SSL_set_bio(session.get(), bio, bio);
    if (is_server_) {
        SSL_set_accept_state(session.get());
        return session;
    }
    SSL_set_connect_state(session.get());
    X509_VERIFY_PARAM* const expected = SSL_get0_param(session.get());
    if (is_address(server_name_)) {
        ensure(
            X509_VERIFY_PARAM_set1_ip_asc(expected, server_name_.c_str()) == 1,
            "an address can be expected"
        );
    } else {
        X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        ensure(
            X509_VERIFY_PARAM_set1_host(expected, server_name_.data(), server_name_.size()) == 1 &&
                SSL_set_tlsext_host_name(session.get(), server_name_.c_str()) == 1,
            "a name can be expected"
        );
    }
    return session;
}

// Called by OpenSSL instead of its own chain verification, which it wraps: besides, a client that
// knows only the hash of its CA's key takes the CA from the server's chain, and time is ours.
int TlsContext::verify(X509_STORE_CTX* store, void* self) {
    const auto& context = *static_cast<const TlsContext*>(self);
    if (context.pinned_key_id_.empty()) {
        return X509_verify_cert(store) == 1 ? context.check_time(store) : 0;
    }
    const std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * stack) {
                              sk_X509_free(stack);
                          })>
        anchors(sk_X509_new_null());
    STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(store);
    for (int at = 0; at < sk_X509_num(sent); ++at) {
        X509* const certificate = sk_X509_value(sent, at);
        if (pki::key_id_of(certificate) == context.pinned_key_id_) {
            sk_X509_push(anchors.get(), certificate);
        }
    }
    // An empty list of anchors fails as "unable to get local issuer certificate".
    X509_STORE_CTX_set0_trusted_stack(store, anchors.get());
    const int verified = X509_verify_cert(store) == 1 ? context.check_time(store) : 0;
    X509_STORE_CTX_set0_trusted_stack(store, nullptr);
    return verified;
}

int TlsContext::check_time(X509_STORE_CTX* store) const {
    STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(store);
    const WallTime now = trusted_now_();
    for (int at = allow_expired_ ? 1 : 0; at < sk_X509_num(chain); ++at) {
        const auto certificate = pki::read_certificate(sk_X509_value(chain, at));
        if (!certificate || certificate->not_after < now) {
            X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_HAS_EXPIRED);
            return 0;
        }
    }
    return 1;
}

Result<void> TlsContext::identify(SSL* session, PeerIdentity& peer) const {
    X509* const handle = SSL_get0_peer_certificate(session);
    if (handle == nullptr) {
        return {};
    }
    auto certificate = pki::read_certificate(handle);
    if (!certificate) {
        return fail(certificate.error());
    }
    peer.has_certificate = true;
    peer.expired_only = certificate->not_after < trusted_now_();
    peer.subject_cn = std::move(certificate->subject_cn);
    peer.organizations = std::move(certificate->organizations);
    peer.san_uris = std::move(certificate->uris);
    peer.spki_sha256_hex = std::move(certificate->key_id);
    peer.certificate_pem = std::move(certificate->pem);
    return {};
}

}  // namespace farhold::net
