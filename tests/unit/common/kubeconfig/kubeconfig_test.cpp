// SPDX-License-Identifier: Apache-2.0
#include "common/kubeconfig/kubeconfig.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;

TEST_CASE("kubeconfig: what was written is read back", "[kubeconfig]") {
    const kubeconfig::Kubeconfig config{
        .server = "https://127.0.0.1:6443",
        .ca_pem = "CA\n",
        .client_certificate_pem = "CERT\n",
        .client_key_pem = "KEY\n",
        .token = "secret",
    };
    const auto parsed = kubeconfig::parse(kubeconfig::render(config, "farhold"), "f");
    REQUIRE(parsed);
    CHECK(parsed->server == config.server);
    CHECK(parsed->ca_pem == config.ca_pem);
    CHECK(parsed->client_certificate_pem == config.client_certificate_pem);
    CHECK(parsed->client_key_pem == config.client_key_pem);
    CHECK(parsed->token == config.token);
}

TEST_CASE("kubeconfig: a file that leads nowhere says what is missing", "[kubeconfig]") {
    const auto message = [](const std::string& text) {
        const auto parsed = kubeconfig::parse(text, "f");
        REQUIRE_FALSE(parsed);
        return parsed.error().message();
    };
    CHECK(message("[]") == "f: not a kubeconfig");
    CHECK(message("current-context: x") == "f: current-context \"x\" is not among the contexts");
    CHECK(message("a: [").starts_with("f:"));
    CHECK(
        message("current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n") ==
        "f: the context's cluster is missing"
    );
    CHECK(
        message(
            "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
            "clusters: [{name: c, cluster: {server: 'http://h'}}]\nusers: [{name: u, user: {}}]\n"
        ) == "f: server must begin with https://"
    );
}
