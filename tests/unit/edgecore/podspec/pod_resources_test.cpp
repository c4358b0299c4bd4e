// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/pod_resources.hpp"

#include "pod_text.hpp"
#include "tests/support/catch.hpp"

namespace farhold::podspec::test {

namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30U;

PodSpec with(const std::string& resources) {
    return parse(pod(R"("resources":)" + resources + ","));
}

CgroupValues values(const PodSpec& spec) {
    return cgroup_values(spec, spec.containers[0], 4 * kGiB);
}

}  // namespace

TEST_CASE("pod_resources: classes of quality of service", "[podspec]") {
    CHECK(with("{}").qos == QosClass::best_effort);
    CHECK(with(R"({"requests":{"cpu":"1"}})").qos == QosClass::burstable);
    CHECK(with(R"({"limits":{"memory":"1Gi"}})").qos == QosClass::burstable);
    CHECK(with(R"({"limits":{"cpu":"1","memory":"1Gi"}})").qos == QosClass::guaranteed);
    CHECK(
        with(R"({"limits":{"cpu":1,"memory":"1Gi"},"requests":{"cpu":"500m"}})").qos ==
        QosClass::burstable
    );
    CHECK(
        with(R"({"limits":{"cpu":"1000m","memory":"1Gi"},
                   "requests":{"cpu":"1","memory":"1024Mi"}})")
            .qos == QosClass::guaranteed
    );
}

TEST_CASE(
    "pod_resources: a container without resources gets the least and dies first", "[podspec]"
) {
    const CgroupValues none = values(with("{}"));
    CHECK(none.cpu_shares == 2);
    CHECK(none.cpu_quota_us == 0);
    CHECK(none.memory_limit == 0);
    CHECK(none.oom_score_adj == 1000);
}

TEST_CASE("pod_resources: kubelet's formulas", "[podspec]") {
    const CgroupValues guaranteed = values(with(R"({"limits":{"cpu":"500m","memory":"64Mi"}})"));
    CHECK(guaranteed.cpu_shares == 512);
    CHECK(guaranteed.cpu_quota_us == 50'000);
    CHECK(guaranteed.memory_limit == 64 << 20);
    CHECK(guaranteed.oom_score_adj == -997);
    CHECK(values(with(R"({"limits":{"cpu":"1m"}})")).cpu_quota_us == 1000);
    CHECK(values(with(R"({"requests":{"memory":"1Gi"}})")).oom_score_adj == 750);
    CHECK(values(with(R"({"requests":{"memory":"4Gi"}})")).oom_score_adj == 3);
    CHECK(values(with(R"({"requests":{"memory":"1"}})")).oom_score_adj == 999);
}

TEST_CASE("pod_resources: amounts beyond any machine can still be counted with", "[podspec]") {
    const std::string most = R"({"cpu":"8E","memory":"8E"})";
    const PodSpec spec = with(R"({"limits":)" + most + R"(,"requests":)" + most + "}");
    CHECK(values(spec).cpu_shares == 262'144);
    CHECK(values(spec).cpu_quota_us == 1'000'000'000'000'000);
    CHECK(spec.total.memory_limit_bytes == 1'000'000'000'000'000);
    CHECK(with(R"({"limits":{"memory":"-1"}})").total.memory_limit_bytes == 0);
}

TEST_CASE("pod_resources: control groups lie under the node's own parent", "[podspec]") {
    CHECK(cgroup_parent(with("{}"), "/farhold-1") == "/farhold-1/besteffort/poduid-1");
    CHECK(
        cgroup_parent(with(R"({"limits":{"cpu":"1","memory":"1"}})"), "/farhold-1") ==
        "/farhold-1/poduid-1"
    );
}

TEST_CASE(
    "pod_resources: a pod is charged its containers or its largest init container", "[podspec]"
) {
    const PodSpec spec = parse(R"({"metadata":{"name":"a","namespace":"b"},"spec":{
        "initContainers":[{"name":"i","image":"x:1","resources":{"requests":{"cpu":"3"}}}],
        "containers":[{"name":"c","image":"x:1","resources":{"requests":{"cpu":"1"},
                       "limits":{"memory":"5"}}},
                      {"name":"d","image":"x:1","resources":{"requests":{"cpu":"1"}}}]}})");
    CHECK(spec.total.cpu_request_milli == 3000);
    CHECK_FALSE(spec.total.memory_limit_bytes);  // One container has none.
}

}  // namespace farhold::podspec::test
