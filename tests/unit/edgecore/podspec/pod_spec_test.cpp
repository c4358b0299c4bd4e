// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/pod_spec.hpp"

#include "edgecore/podspec/references.hpp"
#include "pod_text.hpp"
#include "tests/support/catch.hpp"

namespace farhold::podspec::test {

namespace {

std::vector<std::string> unsupported(const std::string& text) {
    return parse(text).unsupported;
}

}  // namespace

TEST_CASE("pod_spec: fills in Kubernetes' defaults", "[podspec]") {
    const PodSpec spec = parse(pod());
    CHECK(spec.restart_policy == RestartPolicy::always);
    CHECK(spec.grace.count() == 30);
    CHECK_FALSE(spec.deleting);
    CHECK(spec.containers[0].pull_policy == PullPolicy::if_not_present);
    CHECK(spec.containers[0].message_path == "/dev/termination-log");
    CHECK(spec.unsupported.empty());
}

TEST_CASE("pod_spec: the pull policy follows the tag when none is given", "[podspec]") {
    const auto policy = [](const std::string& image) {
        return parse(
                   R"({"metadata":{"name":"a","namespace":"b"},"spec":{"containers":[
            {"name":"c","image":")" +
                   image + R"("}]}})"
        )
            .containers[0]
            .pull_policy;
    };
    CHECK(policy("x") == PullPolicy::always);
    CHECK(policy("x:latest") == PullPolicy::always);
    CHECK(policy("localhost:5000/x") == PullPolicy::always);
    CHECK(policy("localhost:5000/x:1") == PullPolicy::if_not_present);
    CHECK(policy("x@sha256:00") == PullPolicy::if_not_present);
}

TEST_CASE("pod_spec: only name and image decide whether a container is another one", "[podspec]") {
    const std::string hash = parse(pod()).containers[0].hash;
    CHECK(parse(pod(R"("env":[{"name":"A","value":"1"}],)")).containers[0].hash == hash);
    CHECK(
        parse(R"({"metadata":{"name":"hello","namespace":"default"},"spec":{"containers":[
        {"name":"main","image":"img:2"}]}})")
            .containers[0]
            .hash != hash
    );
}

TEST_CASE("pod_spec: names what it cannot carry out instead of leaving it out", "[podspec]") {
    CHECK(
        unsupported(pod(R"("livenessProbe":{"exec":{"command":["x"]}},)")) ==
        std::vector<std::string>{"container \"main\" sets livenessProbe"}
    );
    CHECK(unsupported(pod(R"("lifecycle":{"preStop":{"exec":{"command":["x"]}}},)")).size() == 1);
    CHECK(unsupported(pod(R"("resources":{"limits":{"example.com/gpu":"1"}},)")).size() == 1);
    CHECK(unsupported(pod("", R"("runtimeClassName":"wasm",)")).size() == 1);
    CHECK(unsupported(pod("", R"("hostUsers":false,)")).size() == 1);
    CHECK(
        unsupported(pod("", R"("volumes":[{"name":"v","nfs":{"server":"s","path":"/"}}],)")) ==
        std::vector<std::string>{"volume \"v\" is of kind nfs"}
    );
    CHECK(
        unsupported(pod("", R"("initContainers":[{"name":"i","image":"x",
        "restartPolicy":"Always"}],)"))
            .size() == 1
    );
    CHECK(unsupported(pod("", R"("initContainers":[{"name":"i","image":"x"}],)")).empty());
}

TEST_CASE("pod_spec: refuses names that would lead out of the pod's folder", "[podspec]") {
    CHECK_FALSE(try_parse(pod(), "../../etc"));
    CHECK_FALSE(try_parse(pod(), ""));
    CHECK_FALSE(try_parse(R"({"metadata":{"name":"a","namespace":"b"},"spec":{"containers":[
        {"name":"../x","image":"i"}]}})"));
    CHECK_FALSE(try_parse(pod("", R"("volumes":[{"name":"a/b","emptyDir":{}}],)")));
}

TEST_CASE("pod_spec: refuses what is no pod at all", "[podspec]") {
    CHECK_FALSE(try_parse("{}"));
    CHECK_FALSE(try_parse(R"({"metadata":{"name":"a","namespace":"b"},"spec":{}})"));
    CHECK_FALSE(try_parse(pod(R"("resources":{"limits":{"memory":"much"}},)")));
}

TEST_CASE("pod_spec: reads deletion and clamps absurd graces", "[podspec]") {
    const PodSpec spec = parse(R"({"metadata":{"name":"a","namespace":"b",
        "deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":7},
        "spec":{"terminationGracePeriodSeconds":9223372036854775807,
                "containers":[{"name":"c","image":"i:1"}]}})");
    CHECK(spec.deleting);
    CHECK(spec.deletion_grace == std::chrono::seconds(7));
    CHECK(spec.grace == std::chrono::seconds(1'000'000'000));
}

TEST_CASE("pod_spec: a container's security settings win over the pod's", "[podspec]") {
    const PodSpec spec = parse(
        pod(R"("securityContext":{"runAsUser":5,"capabilities":{"drop":["ALL"]}},)",
            R"("securityContext":{"runAsUser":1,"runAsGroup":2,"fsGroup":3,"runAsNonRoot":true,
            "seccompProfile":{"type":"RuntimeDefault"}},)")
    );
    const SecurityContext& security = spec.containers[0].security;
    CHECK(security.run_as_user == 5);
    CHECK(security.run_as_group == 2);
    CHECK(security.run_as_non_root);
    CHECK(security.drop_capabilities == std::vector<std::string>{"ALL"});
    CHECK(security.seccomp->type == SeccompProfile::Type::runtime_default);
    CHECK(spec.fs_group == 3);
}

TEST_CASE("pod_spec: the user of a pod is the one that all containers are told", "[podspec]") {
    const std::string other = R"("initContainers":[{"name":"i","image":"i:1","securityContext":)";
    CHECK_FALSE(parse(pod()).common_user());
    CHECK(parse(pod("", R"("securityContext":{"runAsUser":7},)")).common_user() == 7);
    CHECK(parse(pod(R"("securityContext":{"runAsUser":7},)")).common_user() == 7);
    CHECK(
        parse(pod(R"("securityContext":{"runAsUser":7},)", other + R"({"runAsUser":7}}],)"))
            .common_user() == 7
    );
    CHECK_FALSE(parse(pod(R"("securityContext":{"runAsUser":7},)", other + R"({"runAsUser":8}}],)"))
                    .common_user());
    CHECK_FALSE(
        parse(pod(R"("securityContext":{"runAsUser":7},)", other + R"({}}],)")).common_user()
    );
}

TEST_CASE("references: names every object that a pod needs, once", "[podspec]") {
    const ReferencedNames names = referenced_names(parse(pod(
        R"("env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"m1","key":"k"}}},
                  {"name":"B","valueFrom":{"secretKeyRef":{"name":"s1","key":"k"}}}],
           "envFrom":[{"configMapRef":{"name":"m2"}},{"secretRef":{"name":"s1"}}],)",
        R"("volumes":[{"name":"a","configMap":{"name":"m3"}},
                      {"name":"b","secret":{"secretName":"s2"}},
                      {"name":"c","projected":{"sources":[{"configMap":{"name":"m4"}},
                                                          {"secret":{"name":"s3"}}]}}],)"
    )));
    CHECK(names.config_maps == std::set<std::string>{"m1", "m2", "m3", "m4"});
    CHECK(names.secrets == std::set<std::string>{"s1", "s2", "s3"});
}

TEST_CASE(
    "references: a missing optional object counts as missing only in a complete store", "[podspec]"
) {
    References references;
    CHECK_FALSE(references.config_map("m", true));
    references.complete = true;
    REQUIRE(references.config_map("m", true));
    CHECK(*references.config_map("m", true) == nullptr);
    CHECK(references.config_map("m", false).error().message() == "configmap \"m\" not found");
    CHECK(references.secret("s", false).error().message() == "secret \"s\" not found");
}

TEST_CASE("references: decodes data and binaryData", "[podspec]") {
    const auto map = parse_keyed_data(R"({"data":{"a":"plain"},"binaryData":{"b":"AAE="}})", false);
    REQUIRE(map);
    CHECK(map->at("a") == "plain");
    CHECK(map->at("b") == std::string("\0\1", 2));
    CHECK(parse_keyed_data(R"({"data":{"a":"cGxhaW4="}})", true)->at("a") == "plain");
    CHECK_FALSE(parse_keyed_data(R"({"data":{"a":"!"}})", true));
}

}  // namespace farhold::podspec::test
