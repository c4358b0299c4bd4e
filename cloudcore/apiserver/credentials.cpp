// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/credentials.hpp"

#include "common/kubeconfig/kubeconfig.hpp"
#include "common/pki/certificate.hpp"
#include "common/pki/key.hpp"
#include "common/pki/signature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace farhold::apiserver {
namespace {

constexpr Duration kLife = std::chrono::hours(24 * 365 * 10);
constexpr unsigned kPublicMode = 0644;
constexpr unsigned kSecretMode = 0600;

bool is_wildcard(const std::string& host) {
    return host.empty() || host == "0.0.0.0" || host == "::";
}

bool is_ip(const std::string& host) {
    return host.find_first_not_of("0123456789.") == std::string::npos ||
           host.find(':') != std::string::npos;
}

struct Pair {
    std::string certificate_pem;
    std::string key_pem;
};

// Both files, or empty texts when one is missing: a crash came between the two.
Result<Pair> read_pair(const datadir::DataDir& dir, const std::string& name) {
    Pair pair;
    for (auto& [suffix, text] :
         {std::pair(".crt", &pair.certificate_pem), std::pair(".key", &pair.key_pem)}) {
        Result<std::string> content = datadir::read_file(dir.file(name + suffix));
        if (content) {
            *text = std::move(*content);
        } else if (content.error().code() != ErrorCode::not_found) {
            return fail(content.error());
        }
    }
    if (pair.certificate_pem.empty() || pair.key_pem.empty()) {
        return Pair{};
    }
    return pair;
}

Result<void> write_pair(const datadir::DataDir& dir, const std::string& name, const Pair& pair) {
    if (auto done = datadir::write_file(dir.file(name + ".key"), pair.key_pem, kSecretMode);
        !done) {
        return done;
    }
    return datadir::write_file(dir.file(name + ".crt"), pair.certificate_pem, kPublicMode);
}

Result<pki::CertificateAuthority> load_authority(const datadir::DataDir& dir, WallTime now) {
    const std::string name = "api-ca";
    const Result<Pair> pair = read_pair(dir, name);
    if (!pair) {
        return fail(pair.error());
    }
    if (!pair->certificate_pem.empty()) {
        auto loaded = pki::CertificateAuthority::load(pair->certificate_pem, pair->key_pem);
        if (!loaded) {
            return fail(loaded.error().within(dir.file(name + ".crt")));
        }
        return loaded;
    }
    pki::CertificateAuthority authority = pki::CertificateAuthority::create("farhold-api-ca", now);
    const Result<void> written =
        write_pair(dir, name, {authority.certificate().pem, authority.key_pem()});
    if (!written) {
        return fail(written.error());
    }
    return authority;
}

bool contains_all(const std::vector<std::string>& has, const std::vector<std::string>& wanted) {
    return std::ranges::all_of(wanted, [&has](const std::string& name) {
        return std::ranges::find(has, name) != has.end();
    });
}

// A certificate that is still good is kept, so that copies of the kubeconfig stay valid.
Result<Pair> load_issued(
    const datadir::DataDir& dir, const std::string& name,
    const pki::CertificateAuthority& authority, const pki::CertificateSpec& spec, WallTime now
) {
    const Result<Pair> stored = read_pair(dir, name);
    if (!stored) {
        return fail(stored.error());
    }
    if (!stored->certificate_pem.empty()) {
        const auto certificate = pki::Certificate::from_pem(stored->certificate_pem);
        if (!certificate) {
            return fail(certificate.error().within(dir.file(name + ".crt")));
        }
        if (certificate->issued_by(authority.certificate()) &&
            !pki::is_due_for_renewal(*certificate, now) &&
            contains_all(certificate->dns_names, spec.dns_names) &&
            contains_all(certificate->ip_addresses, spec.ip_addresses)) {
            return *stored;
        }
    }
    const pki::PrivateKey key = pki::PrivateKey::generate();
    const Result<std::string> issued = authority.issue(key.public_key(), spec, now);
    if (!issued) {
        return fail(issued.error());
    }
    Pair pair{*issued, key.to_pem()};
    if (const Result<void> written = write_pair(dir, name, pair); !written) {
        return fail(written.error());
    }
    return pair;
}

Result<pki::PrivateKey> load_token_key(const datadir::DataDir& dir) {
    const std::string path = dir.file("api-tokens.key");
    const Result<std::string> stored = datadir::read_file(path);
    if (stored) {
        auto key = pki::PrivateKey::from_pem(*stored);
        if (key && !pki::suits_es256(*key)) {
            return fail(ErrorCode::corrupt, path + ": not a P-256 key");
        }
        return key ? key : fail(key.error().within(path));
    }
    if (stored.error().code() != ErrorCode::not_found) {
        return fail(stored.error());
    }
    pki::PrivateKey made = pki::PrivateKey::generate();
    if (auto written = datadir::write_file(path, made.to_pem(), kSecretMode); !written) {
        return fail(written.error());
    }
    return made;
}

pki::CertificateSpec server_spec(const net::Endpoint& listen) {
    pki::CertificateSpec spec;
    spec.common_name = "farhold-api";
    spec.dns_names = {
        "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local"
    };
    spec.ip_addresses = {"127.0.0.1", "::1"};
    if (!is_wildcard(listen.host) && listen.host != "127.0.0.1" && listen.host != "::1" &&
        listen.host != "localhost") {
        (is_ip(listen.host) ? spec.ip_addresses : spec.dns_names).push_back(listen.host);
    }
    spec.server_auth = true;
    spec.life = kLife;
    return spec;
}

pki::CertificateSpec admin_spec() {
    pki::CertificateSpec spec;
    spec.common_name = "admin";
    spec.organizations = {"system:masters"};
    spec.client_auth = true;
    spec.life = kLife;
    return spec;
}

}  // namespace

Result<Credentials> load_credentials(
    const datadir::DataDir& dir, const net::Endpoint& listen, WallTime now
) {
    const auto authority = load_authority(dir, now);
    if (!authority) {
        return fail(authority.error());
    }
    const Result<Pair> server =
        load_issued(dir, "api-server", *authority, server_spec(listen), now);
    if (!server) {
        return fail(server.error());
    }
    const Result<Pair> admin = load_issued(dir, "api-admin", *authority, admin_spec(), now);
    if (!admin) {
        return fail(admin.error());
    }
    const Result<pki::PrivateKey> token_key = load_token_key(dir);
    if (!token_key) {
        return fail(token_key.error());
    }
    return Credentials{authority->certificate().pem, server->certificate_pem, server->key_pem,
                       admin->certificate_pem,       admin->key_pem,          *token_key};
}

Result<void> write_admin_kubeconfig(
    const datadir::DataDir& dir, const Credentials& credentials, const net::Endpoint& listen
) {
    std::string host = is_wildcard(listen.host) ? "127.0.0.1" : listen.host;
    if (host.find(':') != std::string::npos) {
        host = fmt::format("[{}]", host);
    }
    kubeconfig::Kubeconfig config;
    config.server = fmt::format("https://{}:{}", host, listen.port);
    config.ca_pem = credentials.ca_pem;
    config.client_certificate_pem = credentials.admin_certificate_pem;
    config.client_key_pem = credentials.admin_key_pem;
    return datadir::write_file(
        dir.file("admin.kubeconfig"), kubeconfig::render(config, "farhold"), kSecretMode
    );
}

}  // namespace farhold::apiserver
