// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/hub_authority.hpp"

#include "cloudcore/enrolment/hub_info.hpp"
#include "common/base/encoding.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/embedded_api.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <filesystem>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::enrolment;
using apiserver::with_client;

namespace {

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 25};
const std::string kSecret = "farhold-hub-ca";

std::string key_id(const Result<pki::CertificateAuthority>& authority) {
    return authority ? authority->certificate().key_id : authority.error().message();
}

json::Value secret_of(const std::string& certificate, const std::string& key) {
    json::Value secret = apiserver::named(kSecret);
    secret.set("type", json::Value::of("kubernetes.io/tls"));
    json::Value& data = secret.set("data", json::Value::make_object());
    data.set("tls.crt", json::Value::of(base64_encode(certificate)));
    data.set("tls.key", json::Value::of(base64_encode(key)));
    return secret;
}

Task<> make_namespace(kubeapi::KubeObjects& client) {
    CHECK(co_await client.create(kubeapi::kNamespaces, "", apiserver::named("kube-system"), ""));
}

Task<> keep(kubeapi::KubeObjects& client, std::vector<std::string>& kept) {
    kept.push_back(key_id(co_await keep_authority(client, kSecret, kNow)));
}

}  // namespace

TEST_CASE("hub_authority: is made once in the data folder and found again", "[enrolment]") {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    const auto first = keep_authority(dir, kNow).value();
    const auto mode = std::filesystem::status(dir.file("hub-ca.key")).permissions();
    CHECK((mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
    CHECK(key_id(keep_authority(dir, kNow)) == first.certificate().key_id);
}

TEST_CASE("hub_authority: a damaged one is an error and never replaced", "[enrolment]") {
    const test::TempDir temp;
    const auto dir = datadir::DataDir::open(temp.path()).value();
    REQUIRE(keep_authority(dir, kNow).has_value());
    REQUIRE(datadir::write_file(dir.file("hub-ca.key"), "rubbish").has_value());
    CHECK_FALSE(keep_authority(dir, kNow).has_value());
    CHECK(datadir::read_file(dir.file("hub-ca.key")).value() == "rubbish");
    std::filesystem::remove(dir.file("hub-ca.key"));
    CHECK(keep_authority(dir, kNow).error().code() == ErrorCode::corrupt);
}

TEST_CASE("hub_authority: cloudcores that start at once agree on one Secret", "[enrolment]") {
    with_client([](kubeapi::KubeObjects& client) -> Task<> {
        co_await make_namespace(client);
        std::vector<std::string> kept;
        TaskGroup group(co_await this_executor);
        for (int starter = 0; starter < 4; ++starter) group.spawn(keep(client, kept));
        co_await group.join();
        CHECK(kept == std::vector<std::string>(4, kept.front()));
        const auto secret = co_await client.get(kubeapi::kSecrets, "kube-system", kSecret);
        CHECK(secret->text_at({"type"}) == "kubernetes.io/tls");
        const auto certificate = base64_decode(secret->text_at({"data", "tls.crt"})).value();
        CHECK(pki::Certificate::from_pem(certificate).value().key_id == kept.front());
    });
}

TEST_CASE("hub_authority: a Secret that somebody has made is taken", "[enrolment]") {
    with_client([](kubeapi::KubeObjects& client) -> Task<> {
        co_await make_namespace(client);
        const auto own = pki::CertificateAuthority::create("ours", kNow);
        auto secret = secret_of(own.certificate().pem, own.key_pem());
        CHECK(co_await client.create(kubeapi::kSecrets, "kube-system", std::move(secret), ""));
        const auto kept = co_await keep_authority(client, kSecret, kNow);
        CHECK(key_id(kept) == own.certificate().key_id);
    });
}

TEST_CASE("hub_authority: a Secret that cannot be used is told and left alone", "[enrolment]") {
    const auto root = pki::CertificateAuthority::create("root", kNow);
    const auto key = pki::PrivateKey::generate();
    pki::CertificateSpec spec;
    spec.common_name = "below";
    spec.server_auth = true;
    const std::string below = root.issue(key.public_key(), spec, kNow).value();
    const std::pair<json::Value, std::string> bad[] = {
        {secret_of("rubbish", root.key_pem()), "certificate"},
        {secret_of(root.certificate().pem, key.to_pem()), "the key does not belong"},
        {secret_of(below, key.to_pem()), "tls.crt: not self-signed"},
    };
    for (const auto& [secret, complaint] : bad) {
        with_client([&](kubeapi::KubeObjects& client) -> Task<> {
            co_await make_namespace(client);
            json::Value copy = secret;
            CHECK(co_await client.create(kubeapi::kSecrets, "kube-system", std::move(copy), ""));
            const auto kept = co_await keep_authority(client, kSecret, kNow);
            CHECK(key_id(kept).starts_with("Secret kube-system/farhold-hub-ca: "));
            CHECK(key_id(kept).contains(complaint));
            const auto left = co_await client.get(kubeapi::kSecrets, "kube-system", kSecret);
            CHECK(*left->find("data") == *secret.find("data"));
        });
    }
}

TEST_CASE("hub_authority: a Secret that is gone is not made anew for machines that pin it") {
    with_client([](kubeapi::KubeObjects& client) -> Task<> {
        co_await make_namespace(client);
        const auto first = co_await keep_authority(client, kSecret, kNow);
        HubInfo info{first.value().certificate().pem, {{"hub.example", 10000}}};
        CHECK(co_await publish_hub_info(client, std::move(info)));
        CHECK(co_await client.remove(kubeapi::kSecrets, "kube-system", kSecret));
        const auto second = co_await keep_authority(client, kSecret, kNow);
        CHECK(second.error().code() == ErrorCode::corrupt);
        CHECK(second.error().message().contains("farhold-hub-ca is gone"));
        CHECK(co_await client.remove(kubeapi::kConfigMaps, "kube-system", "farhold-hub"));
        CHECK((co_await keep_authority(client, kSecret, kNow)).has_value());
    });
}
