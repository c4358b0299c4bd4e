// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/exec_credential.hpp"

#include "common/json/value.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <string>

using namespace farhold;

namespace {

constexpr std::string_view kV1 = "client.authentication.k8s.io/v1";

std::string answer(const std::string& status) {
    return R"({"kind":"ExecCredential","apiVersion":")" + std::string(kV1) + R"(","status":)" +
           status + "}";
}

}  // namespace

TEST_CASE("exec_credential: a plugin is told the cluster only if it asks for it", "[kube]") {
    kubeconfig::CredentialPlugin plugin;
    plugin.api_version = kV1;
    kubeconfig::Kubeconfig config;
    config.server = "https://h:6443";
    config.tls_server_name = "n";
    CHECK(
        kube::exec_info(plugin, config, "CA") ==
        R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",)"
        R"("spec":{"interactive":false}})"
    );
    plugin.wants_cluster = true;
    const auto info = json::Value::parse(kube::exec_info(plugin, config, "CA")).value();
    CHECK(info.text_at({"spec", "cluster", "server"}) == "https://h:6443");
    CHECK(info.text_at({"spec", "cluster", "tls-server-name"}) == "n");
    CHECK(info.text_at({"spec", "cluster", "certificate-authority-data"}) == "Q0E=");
}

TEST_CASE("exec_credential: a token or a certificate is taken, with its end", "[kube]") {
    const auto token = kube::read_exec_credential(
        answer(R"({"token":"t","expirationTimestamp":"1970-01-01T01:00:00Z"})"), kV1
    );
    REQUIRE(token);
    CHECK(token->token == "t");
    CHECK(token->expires == WallTime(std::chrono::hours(1)));
    const auto certificate = kube::read_exec_credential(
        answer(R"({"clientCertificateData":"C","clientKeyData":"K"})"), kV1
    );
    REQUIRE(certificate);
    CHECK(certificate->certificate_pem == "C");
    CHECK(certificate->key_pem == "K");
    CHECK_FALSE(certificate->expires);
}

TEST_CASE("exec_credential: anything else says what is wrong with it", "[kube]") {
    const auto message = [](const std::string& text, std::string_view version = kV1) {
        const auto read = kube::read_exec_credential(text, version);
        REQUIRE_FALSE(read);
        return read.error().message();
    };
    CHECK(message("usage: ...").starts_with("its output is no JSON"));
    CHECK(message("{}").starts_with("its output is no ExecCredential"));
    CHECK(message(answer(R"({"token":"t"})"), "other").contains("ExecCredential of other"));
    CHECK(message(answer("{}")) == "it answers neither a token nor a certificate");
    CHECK(message(answer(R"({"clientKeyData":"K"})")).ends_with("without the other"));
    CHECK(message(answer(R"({"token":"a\nb"})")).ends_with("several lines"));
    CHECK(message(answer(R"({"token":"t","expirationTimestamp":"soon"})"))
              .starts_with("status.expirationTimestamp"));
}
