// SPDX-License-Identifier: Apache-2.0
#include "common/kubeconfig/kubeconfig.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace farhold;

namespace {

std::string with_user(const std::string& user, const std::string& cluster = {}) {
    return "current-context: x\n"
           "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
           "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: ca.crt" +
           cluster +
           "}}]\n"
           "users: [{name: u, user: {" +
           user + "}}]\n";
}

}  // namespace

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

TEST_CASE(
    "kubeconfig: of several files the first one that says something is right", "[kubeconfig]"
) {
    const std::vector<kubeconfig::File> files{
        {"/a/one", "contexts: [{name: x, context: {cluster: c, user: u}}]\n"},
        {"/a/empty", ""},
        {"/b/two", with_user("tokenFile: second")},
        {"/c/three",
         "current-context: other\nusers: [{name: u, user: {token: third}}]\n"
         "clusters: [{name: c, cluster: {server: 'https://other', tls-server-name: n}}]\n"}
    };
    const auto merged = kubeconfig::parse(files);
    REQUIRE(merged);
    CHECK(merged->server == "https://h");
    CHECK(merged->ca_file == "/b/ca.crt");
    CHECK(merged->token_file == "/b/second");
    CHECK(merged->token.empty());
    CHECK(merged->tls_server_name.empty());
    const auto bad = kubeconfig::parse(std::vector<kubeconfig::File>{files[0], {"/d", "[]"}});
    CHECK(bad.error().message() == "/d: not a kubeconfig");
    const auto nowhere = kubeconfig::parse(std::vector<kubeconfig::File>{files[0], files[1]});
    CHECK(nowhere.error().message().starts_with("/a/one:/a/empty: current-context"));
    CHECK(kubeconfig::parse(std::vector<kubeconfig::File>{}).error().message().size() > 2);
}

TEST_CASE(
    "kubeconfig: a credential plugin is read, its path is relative to the file", "[kubeconfig]"
) {
    const auto config = kubeconfig::parse(
        with_user("exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, "
                  "command: bin/login, args: [get, 7], env: [{name: A, value: b}], "
                  "installHint: 'get it', provideClusterInfo: true}"),
        "/etc/k/config"
    );
    REQUIRE(config);
    REQUIRE(config->plugin);
    CHECK(config->plugin->command == "/etc/k/bin/login");
    CHECK(config->plugin->arguments == std::vector<std::string>{"get", "7"});
    CHECK(config->plugin->environment.front() == std::pair<std::string, std::string>{"A", "b"});
    CHECK(config->plugin->install_hint == "get it");
    CHECK(config->plugin->wants_cluster);
    const auto plain = kubeconfig::parse(
        with_user("exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}"), "f"
    );
    REQUIRE(plain);
    CHECK(plain->plugin->command == "aws");
    CHECK_FALSE(plain->plugin->wants_cluster);
}

TEST_CASE("kubeconfig: a plugin that cannot be run as it wants is refused", "[kubeconfig]") {
    const auto error = [](const std::string& exec, const std::string& cluster = {}) {
        const auto config = kubeconfig::parse(with_user("exec: " + exec, cluster), "f");
        REQUIRE_FALSE(config);
        return config.error();
    };
    const std::string v1 = "{apiVersion: client.authentication.k8s.io/v1, ";
    CHECK(error("{apiVersion: v1alpha1, command: x}").code() == ErrorCode::unsupported);
    CHECK(error(v1 + "interactiveMode: Always, command: x}").code() == ErrorCode::unsupported);
    CHECK(error(v1 + "command: x}").message().starts_with("f: exec.interactiveMode"));
    CHECK(error(v1 + "interactiveMode: Never}").message() == "f: exec.command is missing");
    CHECK(error("text").message() == "f: exec is not a map");
    const std::string never = v1 + "interactiveMode: Never, command: x, ";
    CHECK(error(never + "args: [[x]]}").message().starts_with("f: exec.args"));
    CHECK(error(never + "env: [{value: x}]}").message().starts_with("f: exec.env"));
    CHECK(
        error(
            never + "provideClusterInfo: true}",
            ", extensions: [{name: client.authentication.k8s.io/exec, extension: {}}]"
        )
            .code() == ErrorCode::unsupported
    );
}
