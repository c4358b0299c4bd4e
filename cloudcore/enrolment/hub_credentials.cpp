// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/hub_credentials.hpp"

#include "common/object/names.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

namespace farhold::enrolment {

namespace {

constexpr unsigned kPublicMode = 0644;
constexpr unsigned kSecretMode = 0600;

// nullopt: there is no such file yet.
Result<std::optional<std::string>> read_optional(const std::string& path) {
    auto content = datadir::read_file(path);
    if (content) {
        return std::optional(std::move(*content));
    }
    if (content.error().code() == ErrorCode::not_found) {
        return std::optional<std::string>();
    }
    return fail(content.error());
}

// The key is written first: a certificate without its key would be useless for ever.
Result<void> write_pair(
    const datadir::DataDir& dir, const std::string& name, const std::string& certificate_pem,
    const std::string& key_pem
) {
    if (auto done = datadir::write_file(dir.file(name + ".key"), key_pem, kSecretMode); !done) {
        return done;
    }
    return datadir::write_file(dir.file(name + ".crt"), certificate_pem, kPublicMode);
}

Result<pki::CertificateAuthority> load_authority(const datadir::DataDir& dir, WallTime now) {
    const auto certificate = read_optional(dir.file("hub-ca.crt"));
    const auto key = read_optional(dir.file("hub-ca.key"));
    if (!certificate || !key) {
        return fail(!certificate ? certificate.error() : key.error());
    }
    if (*certificate) {
        if (!*key) {
            return fail(ErrorCode::corrupt, dir.file("hub-ca.key") + ": missing");
        }
        auto authority = pki::CertificateAuthority::load(**certificate, **key);
        if (!authority) {
            return fail(authority.error().within(dir.file("hub-ca.crt")));
        }
        return authority;
    }
    auto made = pki::CertificateAuthority::create("farhold-hub-ca", now);
    if (auto done = write_pair(dir, "hub-ca", made.certificate().pem, made.key_pem()); !done) {
        return fail(done.error());
    }
    return made;
}

pki::CertificateSpec server_spec(const std::vector<std::string>& given) {
    std::vector<std::string> names = local_names();
    names.insert(names.end(), given.begin(), given.end());
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    pki::CertificateSpec spec;
    spec.common_name = "farhold-hub";
    spec.server_auth = true;
    for (const auto& name : names) {
        const bool is_address = !object::check_ip(name).has_value();
        (is_address ? spec.ip_addresses : spec.dns_names).push_back(name);
    }
    return spec;
}

bool covers(const std::vector<std::string>& has, const std::vector<std::string>& wanted) {
    return std::ranges::all_of(wanted, [&has](const std::string& name) {
        return std::ranges::find(has, name) != has.end();
    });
}

bool is_current(
    const pki::Certificate& certificate, const pki::CertificateSpec& spec,
    const pki::Certificate& authority, WallTime now
) {
    return certificate.issued_by(authority) && !pki::is_due_for_renewal(certificate, now) &&
           covers(certificate.dns_names, spec.dns_names) &&
           covers(certificate.ip_addresses, spec.ip_addresses);
}

}  // namespace

std::vector<std::string> local_names() {
    std::vector<std::string> names = {"localhost"};
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') {
        names.emplace_back(host.data());
    }
    ifaddrs* interfaces = nullptr;
    if (getifaddrs(&interfaces) != 0) {
        return names;
    }
    for (const ifaddrs* at = interfaces; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) {
            continue;
        }
        const int family = at->ifa_addr->sa_family;
        const socklen_t size = family == AF_INET    ? sizeof(sockaddr_in)
                               : family == AF_INET6 ? sizeof(sockaddr_in6)
                                                    : 0;
        std::array<char, NI_MAXHOST> text{};
        // Link-local addresses come with a scope ("fe80::1%eth0"), which no certificate can name.
        if (size != 0 &&
            getnameinfo(at->ifa_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) ==
                0 &&
            std::string_view(text.data()).find('%') == std::string_view::npos) {
            names.emplace_back(text.data());
        }
    }
    freeifaddrs(interfaces);
    return names;
}

Result<HubCredentials> HubCredentials::load(
    const datadir::DataDir& dir, std::vector<std::string> names, WallTime now
) {
    auto authority = load_authority(dir, now);
    if (!authority) {
        return fail(authority.error().within("the hub's CA"));
    }
    HubCredentials credentials(dir, std::move(names), std::move(*authority));
    auto certificate = read_optional(dir.file("hub-server.crt"));
    auto key = read_optional(dir.file("hub-server.key"));
    if (!certificate || !key) {
        return fail(!certificate ? certificate.error() : key.error());
    }
    // What the CA issues to ourselves can be made again, so here a half-written pair is no error.
    if (*certificate && *key) {
        const auto parsed = pki::Certificate::from_pem(**certificate);
        const auto parsed_key = pki::PrivateKey::from_pem(**key);
        if (parsed && parsed_key && parsed->matches(*parsed_key)) {
            credentials.certificate_pem_ = std::move(**certificate);
            credentials.key_pem_ = std::move(**key);
        }
    }
    if (auto refreshed = credentials.refresh(now); !refreshed) {
        return fail(refreshed.error());
    }
    return credentials;
}

Result<bool> HubCredentials::refresh(WallTime now) {
    const auto spec = server_spec(names_);
    const auto current = pki::Certificate::from_pem(certificate_pem_);
    if (current && is_current(*current, spec, authority_.certificate(), now)) {
        return false;
    }
    const auto key = pki::PrivateKey::generate();
    auto issued = authority_.issue(key.public_key(), spec, now);
    if (!issued) {
        return fail(issued.error().within("the hub's certificate"));
    }
    const std::string key_pem = key.to_pem();
    if (auto done = write_pair(*dir_, "hub-server", *issued, key_pem); !done) {
        return fail(done.error());
    }
    certificate_pem_ = std::move(*issued);
    key_pem_ = key_pem;
    return true;
}

net::TlsServerConfig HubCredentials::tls(const Clock& clock) const {
    net::TlsServerConfig config;
    // With the CA: a machine that joins knows only the hash of its key.
    config.certificate_chain_pem = certificate_pem_ + authority_.certificate().pem;
    config.private_key_pem = key_pem_;
    config.client_ca_pem = authority_.certificate().pem;
    config.allow_expired_client_certificates = true;
    config.tls13_only = true;
    config.trusted_now = [&clock] { return clock.now().wall; };
    return config;
}

}  // namespace farhold::enrolment
