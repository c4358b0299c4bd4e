// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/credentials.hpp"

#include "common/kubeconfig/kubeconfig.hpp"
#include "common/pki/certificate.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>

namespace farhold::apiserver {
namespace {

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2030} / 1 / 1};

unsigned mode_of(const std::string& path) {
    struct stat file{};
    REQUIRE(::stat(path.c_str(), &file) == 0);
    return file.st_mode & 0777U;
}

}  // namespace

TEST_CASE("credentials: made once, kept afterwards, keys private", "[apiserver]") {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    const Credentials first = load_credentials(dir, {"127.0.0.1", 6443}, kNow).value();
    const Credentials second = load_credentials(dir, {"127.0.0.1", 6443}, kNow).value();
    CHECK(first.ca_pem == second.ca_pem);
    CHECK(first.server_certificate_pem == second.server_certificate_pem);
    CHECK(first.admin_key_pem == second.admin_key_pem);
    CHECK(first.token_key.to_pem() == second.token_key.to_pem());
    for (const char* name : {"api-ca.key", "api-server.key", "api-admin.key", "api-tokens.key"}) {
        CHECK(mode_of(dir.file(name)) == 0600);
    }
    const auto admin = pki::Certificate::from_pem(first.admin_certificate_pem).value();
    CHECK(admin.subject_cn == "admin");
    CHECK(admin.organizations == std::vector<std::string>{"system:masters"});
}

TEST_CASE(
    "credentials: another address or old age brings a new server certificate", "[apiserver]"
) {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    const Credentials first = load_credentials(dir, {"127.0.0.1", 6443}, kNow).value();
    const Credentials moved = load_credentials(dir, {"192.0.2.7", 6443}, kNow).value();
    CHECK(moved.ca_pem == first.ca_pem);
    CHECK(moved.admin_certificate_pem == first.admin_certificate_pem);
    const auto server = pki::Certificate::from_pem(moved.server_certificate_pem).value();
    CHECK(std::ranges::count(server.ip_addresses, "192.0.2.7") == 1);

    const WallTime later = kNow + std::chrono::hours(24 * 365 * 7);
    const Credentials renewed = load_credentials(dir, {"192.0.2.7", 6443}, later).value();
    CHECK(renewed.server_certificate_pem != moved.server_certificate_pem);
}

TEST_CASE("credentials: a damaged file is an error that names it", "[apiserver]") {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    REQUIRE(load_credentials(dir, {"127.0.0.1", 6443}, kNow));
    REQUIRE(datadir::write_file(dir.file("api-ca.crt"), "nonsense"));
    const auto loaded = load_credentials(dir, {"127.0.0.1", 6443}, kNow);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().message().contains("api-ca.crt"));
}

TEST_CASE(
    "credentials: the kubeconfig is private and points to a reachable address", "[apiserver]"
) {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    const Credentials credentials = load_credentials(dir, {"0.0.0.0", 6443}, kNow).value();
    REQUIRE(write_admin_kubeconfig(dir, credentials, {"0.0.0.0", 6443}));
    const std::string path = dir.file("admin.kubeconfig");
    CHECK(mode_of(path) == 0600);
    const auto config = kubeconfig::parse(datadir::read_file(path).value(), path).value();
    CHECK(config.server == "https://127.0.0.1:6443");
    CHECK(config.ca_pem == credentials.ca_pem);
}

}  // namespace farhold::apiserver
