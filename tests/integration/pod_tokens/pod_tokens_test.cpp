// SPDX-License-Identifier: Apache-2.0
//
// A pod with the volume that ServiceAccount admission gives to every pod of a cluster: it reads its
// token, the API takes the token, and after a reboot without network the pod comes back with it.
#include "common/json/value.hpp"
#include "tests/support/rig/site.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

namespace {

constexpr auto kFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string token_pod(const std::string& name, const std::string& account) {
    PodOptions options;
    options.command = fmt::format(
        "cd {}; cat token; echo; cat namespace; echo; head -n 1 ca.crt; exec sleep 1000000", kFolder
    );
    Value pod = Value::parse(pod_manifest(name, options)).value();
    Value& spec = pod.ensure_path({"spec"});
    spec.set("serviceAccountName", Value::of(account));
    spec.set(
        "volumes", Value::parse(
                       R"([{"name":"kube-api-access","projected":{"defaultMode":420,"sources":[
                {"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
                {"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},
                {"downwardAPI":{"items":[{"path":"namespace",
                    "fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}]}}])"
                   )
                       .value()
    );
    Value mount = Value::make_object(
        {{"name", Value::of("kube-api-access")},
         {"mountPath", Value::of(kFolder)},
         {"readOnly", Value::of(true)}}
    );
    spec["containers"].array().front().set("volumeMounts", Value::make_array({std::move(mount)}));
    return pod.dump();
}

std::string account(const std::string& name) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"ServiceAccount","metadata":{{"name":"{}"}}}})", name
    );
}

std::string uid_of(const Cloud& cloud, const std::string& pod) {
    const Value object = cloud.get("/api/v1/namespaces/default/pods/" + pod);
    return std::string(object.text_at({"metadata", "uid"}));
}

// What the attempt's container has said, line by line, without the runtime's prefixes.
std::vector<std::string> said(const Site& site, const std::string& uid, int attempt) {
    std::istringstream log(read_text(
        fmt::format("{}/pod-logs/default_reader_{}/main/{}.log", site.folder(), uid, attempt)
    ));
    std::vector<std::string> lines;
    for (std::string line; std::getline(log, line);) {
        lines.push_back(line.substr(line.find(" F ") + 3));
    }
    return lines;
}

std::string ask_with_token(const Cloud& cloud, const std::string& token) {
    const std::string url =
        fmt::format("https://127.0.0.1:{}/api/v1/namespaces/default/pods", cloud.api_port());
    return run(
        {"curl", "-sS", "--cacert", cloud.data_dir() + "/api-ca.crt", "-H",
         "Authorization: Bearer " + token, url}
    );
}

bool waits_for_account(const Cloud& cloud) {
    const Value list = cloud.get("/api/v1/namespaces/default/events");
    return std::ranges::any_of(list.elements_at({"items"}), [](const Value& event) {
        return event.text_at({"reason"}) == "FailedMount" &&
               event.text_at({"message"}).contains("serviceaccounts \"late\" not found");
    });
}

}  // namespace

TEST_CASE("pod tokens: a pod has its token, also after a reboot without network", "[tokens]") {
    Site site;
    site.cloud.apply(account("robot"));
    site.cloud.apply(token_pod("reader", "robot"));
    wait_until("the pod runs", 60s, [&] { return site.cloud.pod_phase("reader") == "Running"; });
    const std::string uid = uid_of(site.cloud, "reader");
    wait_until("it has read its files", 10s, [&] { return said(site, uid, 0).size() == 3; });
    const std::vector<std::string> first = said(site, uid, 0);
    CHECK(first[0].starts_with("ey"));
    CHECK(first[1] == "default");
    CHECK(first[2] == "-----BEGIN CERTIFICATE-----");
    // Known to the API, which allows nothing to a ServiceAccount.
    CHECK(ask_with_token(site.cloud, first[0])
              .contains("User \\\"system:serviceaccount:default:robot\\\" cannot list"));
    CHECK(ask_with_token(site.cloud, first[0] + "x").contains("Unauthorized"));
    const std::string counter = "farhold_hub_pod_tokens_total{outcome=\"minted\"} 1\n";
    CHECK(site.cloud.metrics().contains(counter));
    CHECK(site.machine.metrics().contains("farhold_pod_tokens_total{outcome=\"received\"} 1\n"));
    CHECK_FALSE(site.cloud.log().contains(first[0]));
    CHECK_FALSE(site.machine.log().contains(first[0]));

    site.cloud.kill();
    site.machine.kill();
    site.runtime.cut_power();
    const std::string file = site.machine.data_dir() + "/pods/" + uid +
                             "/volumes/kubernetes.io~projected/kube-api-access/token";
    REQUIRE_FALSE(std::filesystem::exists(file));  // It was in memory.
    site.runtime.start();
    forget_containers(site.runtime);
    site.machine.start();
    wait_until("it has read its files again", 60s, [&] { return said(site, uid, 1).size() == 3; });
    CHECK(said(site, uid, 1) == first);
    CHECK_FALSE(site.machine.connected());

    site.cloud.start();
    site.require_healed();
    CHECK(ask_with_token(site.cloud, first[0]).contains("cannot list"));
}

TEST_CASE(
    "pod tokens: a pod whose account is missing says so, and runs once it is there", "[tokens]"
) {
    Site site;
    site.cloud.apply(token_pod("waits", "late"));
    wait_until("the cloud is told", 60s, [&] { return waits_for_account(site.cloud); });
    CHECK(site.cloud.pod_phase("waits") == "Pending");
    site.cloud.apply(account("late"));
    wait_until("the pod runs", 30s, [&] { return site.cloud.pod_phase("waits") == "Running"; });
    site.require_healed();
}
