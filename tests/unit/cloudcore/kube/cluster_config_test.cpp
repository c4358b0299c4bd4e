// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/cluster_config.hpp"

#include "cloudcore/kube/cluster_credentials.hpp"
#include "common/datadir/data_dir.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <map>
#include <string>

using namespace farhold;
using namespace std::chrono_literals;

namespace {

kube::Environment environment(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

std::string kubeconfig_for(const std::string& user) {
    return "current-context: x\n"
           "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
           "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority: ca.crt}}]\n"
           "users: [{name: u, user: {" +
           user + "}}]\n";
}

}  // namespace

TEST_CASE("The cluster is the one that is named, else the environment's, else the Pod's") {
    const test::TempDir dir;
    const std::string given = dir.file("given");
    const std::string named = dir.file("named");
    for (const std::string& path : {given, named}) {
        REQUIRE(datadir::write_file(path, kubeconfig_for("token: t")));
    }
    const auto pod =
        environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}});
    CHECK(kube::find_cluster(given, environment({{"KUBECONFIG", named}}))->source == given);
    CHECK(kube::find_cluster("", environment({{"KUBECONFIG", named}}))->source == named);
    CHECK(kube::find_cluster("", pod)->kubeconfig.server == "https://[fd00::1]:443");
    CHECK(kube::find_cluster("", environment({})).error().code() == ErrorCode::not_found);
    const std::string missing = dir.file("missing");
    const auto several =
        kube::find_cluster("", environment({{"KUBECONFIG", missing + "::" + named + ":" + given}}));
    REQUIRE(several);
    CHECK(several->kubeconfig.token == "t");
    const auto none = kube::find_cluster("", environment({{"KUBECONFIG", missing}}));
    CHECK(none.error().code() == ErrorCode::not_found);
    CHECK(none.error().message().contains(missing));
}

TEST_CASE("Credentials in files are found beside the kubeconfig and read again") {
    const test::TempDir dir;
    const std::string path = dir.file("config");
    REQUIRE(datadir::write_file(path, kubeconfig_for("tokenFile: token")));
    auto config = kube::find_cluster(path, environment({}));
    REQUIRE(config);
    kube::ClusterCredentials credentials(config->kubeconfig);
    const Instant start{};
    const auto missing = credentials.current(start);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message().contains("ca.crt"));
    REQUIRE(datadir::write_file(dir.file("ca.crt"), "CA"));
    REQUIRE(datadir::write_file(dir.file("token"), "first\n"));
    CHECK(credentials.current(start)->token == "first");
    REQUIRE(datadir::write_file(dir.file("token"), "second\n"));
    CHECK(credentials.current(start + 59s)->token == "first");
    CHECK(credentials.current(start + 60s)->token == "second");
    REQUIRE(datadir::write_file(dir.file("token"), "third\n"));
    credentials.refused();
    CHECK(credentials.current(start + 61s)->token == "third");
    std::filesystem::remove(dir.file("token"));
    credentials.refused();
    CHECK(credentials.current(start + 62s)->token == "third");
}

TEST_CASE("A way to log in that we have not is refused by its name") {
    const test::TempDir dir;
    const std::string path = dir.file("config");
    for (const char* field : {"username: me", "auth-provider: {name: x}"}) {
        CAPTURE(field);
        REQUIRE(datadir::write_file(path, kubeconfig_for(field)));
        const auto config = kube::find_cluster(path, environment({}));
        REQUIRE_FALSE(config);
        CHECK(config.error().code() == ErrorCode::unsupported);
        CHECK(config.error().message().contains(std::string(field).substr(0, 4)));
    }
}
