// SPDX-License-Identifier: Apache-2.0
#include "edgecore/security/credentials.hpp"

#include "common/datadir/data_dir.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <utility>

namespace farhold::security {

namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kBeginCertificate = "-----BEGIN CERTIFICATE-----";

std::string path_in(const std::string& dir) {
    return dir + "/credentials.pem";
}

// The PEM blocks of the file: key, certificate, CA.
struct Blocks {
    std::string_view key;
    std::string_view certificate;
    std::string_view authority;
};

Result<Blocks> split(std::string_view text) {
    const auto certificate = text.find(kBeginCertificate);
    const auto authority = certificate == std::string_view::npos
                               ? std::string_view::npos
                               : text.find(kBeginCertificate, certificate + 1);
    if (authority == std::string_view::npos || !text.starts_with(kBegin)) {
        return fail(ErrorCode::corrupt, "not a key, a certificate and a CA");
    }
    return Blocks{
        text.substr(0, certificate), text.substr(certificate, authority - certificate),
        text.substr(authority)
    };
}

}  // namespace

Result<Credentials> make_credentials(
    pki::PrivateKey key, std::string_view certificate_pem, std::string_view authority_pem
) {
    auto certificate = pki::Certificate::from_pem(certificate_pem);
    auto authority = pki::Certificate::from_pem(authority_pem);
    if (!certificate || !authority) {
        return fail(!certificate ? certificate.error() : authority.error().within("CA"));
    }
    if (!certificate->matches(key)) {
        return fail(ErrorCode::corrupt, "the certificate is for another key");
    }
    if (!certificate->issued_by(*authority)) {
        return fail(ErrorCode::corrupt, "the certificate is not the CA's");
    }
    auto identity = certificate->uris.size() == 1 ? pki::parse_node_uri(certificate->uris.front())
                                                  : std::nullopt;
    if (!identity) {
        return fail(ErrorCode::corrupt, "the certificate names no machine");
    }
    return Credentials{
        std::move(key), std::move(*certificate), std::move(*authority), std::move(*identity)
    };
}

Result<Credentials> load_credentials(const std::string& dir) {
    const auto text = datadir::read_file(path_in(dir));
    if (!text) {
        return fail(text.error());
    }
    const auto blocks = split(*text);
    auto key = blocks ? pki::PrivateKey::from_pem(blocks->key) : fail(blocks.error());
    auto credentials =
        key ? make_credentials(std::move(*key), blocks->certificate, blocks->authority)
            : fail(key.error());
    if (!credentials) {
        return fail(credentials.error().within(path_in(dir)));
    }
    return credentials;
}

Result<void> save_credentials(const std::string& dir, const Credentials& credentials) {
    const std::string text =
        credentials.key.to_pem() + credentials.certificate.pem + credentials.authority.pem;
    return datadir::write_file(path_in(dir), text, 0600);
}

Result<bool> forget_credentials(const std::string& dir) {
    if (std::remove(path_in(dir).c_str()) == 0) {
        return true;
    }
    if (errno == ENOENT) {
        return false;
    }
    return fail(ErrorCode::unavailable, "remove " + path_in(dir));
}

net::TlsClientConfig client_tls(
    const Credentials& credentials, std::string server_name, std::function<WallTime()> trusted_now
) {
    net::TlsClientConfig config;
    config.ca_pem = credentials.authority.pem;
    config.server_name = std::move(server_name);
    config.certificate_pem = credentials.certificate.pem;
    config.private_key_pem = credentials.key.to_pem();
    config.tls13_only = true;
    config.trusted_now = std::move(trusted_now);
    return config;
}

WallTime renewal_time(const pki::Certificate& certificate) {
    const Duration last_third = (certificate.not_after - certificate.not_before) / 3;
    // The key id is as good as random and the same after each restart.
    unsigned draw = 0;
    std::from_chars(certificate.key_id.data(), certificate.key_id.data() + 4, draw, 16);
    const double offset = (static_cast<double>(draw) / 0xffff * 2 - 1) / 10;
    const auto jitter = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::nano>(static_cast<double>(last_third.count()) * offset)
    );
    return certificate.not_after - last_third + jitter;
}

Result<Credentials> renewed(const Credentials& current, std::string_view certificate_pem) {
    auto next = make_credentials(current.key, certificate_pem, current.authority.pem);
    if (!next) {
        return fail(next.error().within("renewed certificate"));
    }
    if (next->identity != current.identity) {
        return fail(ErrorCode::corrupt, "renewed certificate: it names another machine");
    }
    return next;
}

}  // namespace farhold::security
