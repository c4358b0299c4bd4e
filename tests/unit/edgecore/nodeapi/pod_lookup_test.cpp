// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/pod_lookup.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::nodeapi;  // NOLINT(google-build-using-namespace)

namespace {

json::Value pod(const std::string& status) {
    return json::Value::parse(
               R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}],)"
               R"("initContainers":[{"name":"i"}]},"status":{"containerStatuses":[)" +
               status + "]}}"
    )
        .value();
}

}  // namespace

TEST_CASE("pod_lookup: containers of every kind are found", "[nodeapi]") {
    const json::Value one = pod(R"({"name":"c"})");
    CHECK(find_container_spec(one, "c") != nullptr);
    CHECK(find_container_spec(one, "i") != nullptr);
    CHECK(find_container_spec(one, "x") == nullptr);
    CHECK(find_container_status(one, "c") != nullptr);
    CHECK(find_container_status(one, "i") == nullptr);
}

TEST_CASE("pod_lookup: the log of the run that is meant", "[nodeapi]") {
    const json::Value running = pod(
        R"({"name":"c","restartCount":2,"containerID":"containerd://b","state":{"running":{}},
            "lastState":{"terminated":{"containerID":"containerd://a"}}})"
    );
    const auto current = choose_log(running, "c", false);
    REQUIRE(current);
    CHECK(current->attempt == 2);
    CHECK(is_running(running, "c", *current));
    const auto previous = choose_log(running, "c", true);
    REQUIRE(previous);
    CHECK(previous->attempt == 1);
    CHECK_FALSE(is_running(running, "c", *previous));

    // Between two runs the last one's.
    const json::Value waiting = pod(
        R"({"name":"c","restartCount":1,"containerID":"containerd://b",
            "state":{"waiting":{"reason":"CrashLoopBackOff"}},
            "lastState":{"terminated":{"containerID":"containerd://b"}}})"
    );
    REQUIRE(choose_log(waiting, "c", false));
    CHECK(choose_log(waiting, "c", false)->attempt == 1);
}

TEST_CASE("pod_lookup: why there is no log, in kubelet's words", "[nodeapi]") {
    const json::Value waiting =
        pod(R"({"name":"c","state":{"waiting":{"reason":"ImagePullBackOff"}}})");
    const auto none = choose_log(waiting, "c", false);
    REQUIRE(!none);
    CHECK(
        none.error().message() ==
        "container \"c\" in pod \"p\" is waiting to start: "
        "trying and failing to pull image"
    );
    const auto previous = choose_log(waiting, "c", true);
    REQUIRE(!previous);
    CHECK(
        previous.error().message() == "previous terminated container \"c\" in pod \"p\" not found"
    );
    CHECK(choose_log(waiting, "i", false).error().message().contains("is not available"));
}
