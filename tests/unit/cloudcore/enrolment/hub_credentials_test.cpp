// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/hub_credentials.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <chrono>

using namespace farhold;
using namespace farhold::enrolment;
using namespace std::chrono_literals;

namespace {

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 25};

pki::Certificate server_certificate(const HubCredentials& credentials) {
    const SystemClock clock;
    return pki::Certificate::from_pem(credentials.tls(clock).certificate_chain_pem).value();
}

}  // namespace

TEST_CASE("hub_credentials: are of the CA and name the hub and this host", "[enrolment]") {
    auto authority = pki::CertificateAuthority::create("ca", kNow);
    const auto credentials =
        HubCredentials::issue(std::move(authority), {"hub.example", "192.0.2.7"}, kNow).value();
    const auto certificate = server_certificate(credentials);
    CHECK(certificate.issued_by(credentials.authority().certificate()));
    CHECK(std::ranges::count(certificate.dns_names, "hub.example") == 1);
    CHECK(std::ranges::count(certificate.dns_names, "localhost") == 1);
    CHECK(std::ranges::count(certificate.ip_addresses, "192.0.2.7") == 1);
    CHECK(std::ranges::count(certificate.ip_addresses, "127.0.0.1") == 1);
}

TEST_CASE("hub_credentials: the certificate lasts as long as the CA", "[enrolment]") {
    const auto authority = pki::CertificateAuthority::create("ca", kNow);
    const WallTime end = authority.certificate().not_after;
    // Where the clock was put back, too.
    for (const WallTime now : {kNow, kNow - 10 * 365 * 24h, kNow + 6 * 365 * 24h}) {
        auto credentials = HubCredentials::issue(authority, {}, now).value();
        CHECK(server_certificate(credentials).not_after == end);
        CHECK_FALSE(credentials.refresh(now + 24h).value());
    }
}
