// SPDX-License-Identifier: Apache-2.0
//
// What a deletion does with the time; the rest is in tests/kubernetes/api_behaviour.
#include "test_api.hpp"

namespace farhold::kuberest {
namespace {

const std::string kPod = std::string(kPodsPath) + "/a";

std::string deletion_time(const Answer& answer) {
    return answer.text({"metadata", "deletionTimestamp"});
}

}  // namespace

TEST_CASE("delete: a shorter grace counts from the first request, but not into the past") {
    TestApi api;
    api.post(kPodsPath, pod("a", R"(,"nodeName":"n","terminationGracePeriodSeconds":20)"));
    CHECK(deletion_time(api.remove(kPod)) == "2026-05-04T03:02:21Z");
    api.now += std::chrono::seconds(3);
    CHECK(deletion_time(api.remove(kPod, R"({"gracePeriodSeconds":5})")) == "2026-05-04T03:02:06Z");
    api.now += std::chrono::seconds(30);
    CHECK(deletion_time(api.remove(kPod, R"({"gracePeriodSeconds":1})")) == "2026-05-04T03:02:34Z");
}

}  // namespace farhold::kuberest
