// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/hub_credentials.hpp"

#include "common/object/names.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace farhold::enrolment {

namespace {

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

bool is_current(const pki::Certificate& certificate, const pki::CertificateSpec& spec) {
    return covers(certificate.dns_names, spec.dns_names) &&
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

Result<HubCredentials> HubCredentials::issue(
    pki::CertificateAuthority authority, std::vector<std::string> names, WallTime now
) {
    HubCredentials credentials(std::move(authority), std::move(names));
    if (auto issued = credentials.refresh(now); !issued) {
        return fail(issued.error());
    }
    return credentials;
}

Result<bool> HubCredentials::refresh(WallTime now) {
    auto spec = server_spec(names_);
    spec.life = authority_.certificate().not_after - now;
    const auto current = pki::Certificate::from_pem(certificate_pem_);
    if (current && is_current(*current, spec)) {
        return false;
    }
    const auto key = pki::PrivateKey::generate();
    auto issued = authority_.issue(key.public_key(), spec, now);
    if (!issued) {
        return fail(issued.error().within("the hub's certificate"));
    }
    certificate_pem_ = std::move(*issued);
    key_pem_ = key.to_pem();
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
