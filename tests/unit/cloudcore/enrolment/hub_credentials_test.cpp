// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/hub_credentials.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

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

TEST_CASE("hub_credentials: are made once and found again", "[enrolment]") {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    const auto first = HubCredentials::load(dir, {"hub.example", "192.0.2.7"}, kNow).value();
    const auto certificate = server_certificate(first);
    CHECK(certificate.issued_by(first.authority().certificate()));
    CHECK(std::ranges::count(certificate.dns_names, "hub.example") == 1);
    CHECK(std::ranges::count(certificate.dns_names, "localhost") == 1);
    CHECK(std::ranges::count(certificate.ip_addresses, "192.0.2.7") == 1);
    CHECK(std::ranges::count(certificate.ip_addresses, "127.0.0.1") == 1);
    const auto mode = std::filesystem::status(dir.file("hub-ca.key")).permissions();
    CHECK((mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));

    const auto second = HubCredentials::load(dir, {"hub.example", "192.0.2.7"}, kNow + 1h).value();
    CHECK(second.authority().certificate().key_id == first.authority().certificate().key_id);
    CHECK(server_certificate(second).pem == certificate.pem);
}

TEST_CASE("hub_credentials: the certificate follows time and names, the CA stays", "[enrolment]") {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    auto credentials = HubCredentials::load(dir, {}, kNow).value();
    const auto before = server_certificate(credentials);
    CHECK_FALSE(credentials.refresh(kNow + 59 * 24h).value());
    CHECK(credentials.refresh(kNow + 61 * 24h).value());
    CHECK(server_certificate(credentials).not_after > before.not_after);
    const auto renamed = HubCredentials::load(dir, {"new.example"}, kNow + 61 * 24h).value();
    CHECK(std::ranges::count(server_certificate(renamed).dns_names, "new.example") == 1);
    CHECK(renamed.authority().certificate().key_id == credentials.authority().certificate().key_id);
}

TEST_CASE("hub_credentials: a damaged CA is an error and never replaced", "[enrolment]") {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    REQUIRE(HubCredentials::load(dir, {}, kNow).has_value());
    REQUIRE(datadir::write_file(dir.file("hub-ca.key"), "rubbish").has_value());
    CHECK_FALSE(HubCredentials::load(dir, {}, kNow).has_value());
    CHECK(datadir::read_file(dir.file("hub-ca.key")).value() == "rubbish");
    std::filesystem::remove(dir.file("hub-ca.key"));
    CHECK(HubCredentials::load(dir, {}, kNow).error().code() == ErrorCode::corrupt);
}

TEST_CASE("hub_credentials: a damaged server certificate is issued again", "[enrolment]") {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    REQUIRE(HubCredentials::load(dir, {}, kNow).has_value());
    REQUIRE(datadir::write_file(dir.file("hub-server.crt"), "rubbish").has_value());
    const auto again = HubCredentials::load(dir, {}, kNow);
    REQUIRE(again.has_value());
    CHECK(server_certificate(*again).issued_by(again->authority().certificate()));
}
