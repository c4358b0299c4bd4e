// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/environment.hpp"

#include "pod_text.hpp"
#include "tests/support/catch.hpp"

namespace farhold::podspec::test {

namespace {

const MachineFacts kFacts{
    .node_name = "edge-1",
    .host_ips = {"192.0.2.1", "2001:db8::1"},
    .pod_ips = {"10.0.0.5"},
    .allocatable_cpu_milli = 1500,
    .allocatable_memory_bytes = 1000,
    .allocatable_storage_bytes = 500,
};

References with_map(const std::string& name, KeyedData data) {
    References references;
    references.complete = true;
    references.config_maps.emplace(name, std::make_shared<const KeyedData>(std::move(data)));
    return references;
}

Result<Environment> resolve(const std::string& container, const References& references = {}) {
    const PodSpec spec = parse(pod(container));
    return resolve_environment(spec, spec.containers[0], references, kFacts);
}

}  // namespace

TEST_CASE("environment: expands references as Kubernetes does", "[podspec]") {
    const Environment known{{"A", "1"}, {"B", ""}};
    CHECK(expand("$(A)", known) == "1");
    CHECK(expand("x$(A)y$(B)z", known) == "x1yz");
    CHECK(expand("$(C)", known) == "$(C)");
    CHECK(expand("$$(A)", known) == "$(A)");
    CHECK(expand("$$$(A)", known) == "$1");
    CHECK(expand("$A $", known) == "$A $");
    CHECK(expand("$(A", known) == "$(A");
    CHECK(expand("$()", known) == "$()");
    CHECK(expand("", known) == "");
}

TEST_CASE("environment: later variables see earlier ones and not later ones", "[podspec]") {
    const auto result = resolve(R"x("env":[{"name":"A","value":"$(B)"},{"name":"B","value":"2"},
                                           {"name":"C","value":"$(B)$(A)"}],)x");
    REQUIRE(result);
    CHECK(result->at("A") == "$(B)");
    CHECK(result->at("C") == "2$(B)");
}

TEST_CASE("environment: env wins over envFrom, which may carry a prefix", "[podspec]") {
    const auto result = resolve(
        R"x("envFrom":[{"prefix":"P_","configMapRef":{"name":"m"}},
                      {"configMapRef":{"name":"m"}},
                      {"configMapRef":{"name":"none","optional":true}}],
           "env":[{"name":"k","value":"own"},{"name":"u","value":"$(P_k)"}],)x",
        with_map("m", {{"k", "v"}, {"a=b", "skipped"}})
    );
    REQUIRE(result);
    CHECK(result->at("k") == "own");
    CHECK(result->at("P_k") == "v");
    CHECK(result->at("u") == "v");
    CHECK(result->size() == 3);
}

TEST_CASE(
    "environment: a missing key is an error in kubelet's words, unless optional", "[podspec]"
) {
    const auto wanted = [](const std::string& optional) {
        return R"("env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"m","key":"x")" +
               optional + "}}}],";
    };
    const References references = with_map("m", {{"k", "v"}});
    CHECK(
        resolve(wanted(""), references).error().message() ==
        "couldn't find key x in ConfigMap default/m"
    );
    const auto optional = resolve(wanted(R"(,"optional":true)"), references);
    REQUIRE(optional);
    CHECK(optional->empty());
    CHECK(resolve(wanted("")).error().message() == "configmap \"m\" not found");
}

TEST_CASE("environment: knows the pod's fields", "[podspec]") {
    const PodSpec spec = parse(pod("", R"("serviceAccountName":"robot",)"));
    const auto field = [&](const std::string& path) {
        return resolve_field(spec, {path}, kFacts).value_or("error");
    };
    CHECK(field("metadata.name") == "hello");
    CHECK(field("metadata.namespace") == "default");
    CHECK(field("metadata.uid") == "uid-1");
    CHECK(field("metadata.labels['a']") == "1");
    CHECK(field("metadata.labels['none']").empty());
    CHECK(field("metadata.labels") == "a=\"1\"\nb=\"2\"\n");
    CHECK(field("metadata.annotations") == "note=\"say \\\"hi\\\"\\n\"\n");
    CHECK(field("spec.nodeName") == "edge-1");
    CHECK(field("spec.serviceAccountName") == "robot");
    CHECK(field("status.hostIP") == "192.0.2.1");
    CHECK(field("status.hostIPs") == "192.0.2.1,2001:db8::1");
    CHECK(field("status.podIP") == "10.0.0.5");
    CHECK(field("status.phase") == "error");
}

TEST_CASE(
    "environment: resources are divided and rounded up; no limit means the machine", "[podspec]"
) {
    const PodSpec spec = parse(
        pod(R"("resources":{"limits":{"cpu":"1500m","memory":"64Mi"},"requests":{"cpu":"250m"}},)")
    );
    const PodSpec bare = parse(pod());
    const auto amount = [](const PodSpec& of, const std::string& resource,
                           const std::string& divisor) {
        const ResourceFieldRef reference{.container = "", .resource = resource, .divisor = divisor};
        return resolve_resource(of, of.containers.data(), reference, kFacts).value_or("error");
    };
    CHECK(amount(spec, "limits.cpu", "") == "2");
    CHECK(amount(spec, "limits.cpu", "1m") == "1500");
    CHECK(amount(spec, "requests.cpu", "0") == "1");
    CHECK(amount(spec, "limits.memory", "1Mi") == "64");
    CHECK(amount(bare, "limits.cpu", "1m") == "1500");
    CHECK(amount(bare, "limits.memory", "") == "1000");
    CHECK(amount(bare, "requests.memory", "") == "0");
    CHECK(amount(bare, "limits.gpu", "") == "error");
}

TEST_CASE("environment: references that double each other end before memory does", "[podspec]") {
    std::string variables = R"x({"name":"V0","value":"0123456789"})x";
    for (int i = 1; i <= 40; ++i) {
        const std::string before = "$(V" + std::to_string(i - 1) + ")";
        variables +=
            R"(,{"name":"V)" + std::to_string(i) + R"(","value":")" + before + before + "\"}";
    }
    const auto result = resolve("\"env\":[" + variables + "],");
    REQUIRE_FALSE(result);
    CHECK(result.error().message() == "a text with references of more than 131072 bytes");

    const Environment known{{"A", std::string(100'000, 'a')}};
    CHECK(expand_all({"$(A)", "$(A)"}, known)->size() == 2);
    CHECK_FALSE(expand("$(A)$(A)", known));
    CHECK_FALSE(expand_all(std::vector<std::string>(100, "$(A)"), known));
}

}  // namespace farhold::podspec::test
