// SPDX-License-Identifier: Apache-2.0
#include "common/object/time_text.hpp"
#include "schema_fixture.hpp"

using namespace farhold;
using namespace farhold::kubeschema;

namespace {

// "READY STATUS RESTARTS" of a pod with this spec and status.
std::string row(std::string_view spec, std::string_view status, bool deleting = false) {
    const WallTime now = *object::parse_time("2026-01-01T00:05:00Z");
    const std::string deletion =
        deleting ? R"(,"deletionTimestamp":"2026-01-01T00:04:00Z")" : std::string();
    const auto cells = type_of("Pod").cells(
        parse_json(
            R"({"metadata":{"name":"p")" + deletion + R"(},"spec":)" + std::string(spec) +
            R"(,"status":)" + std::string(status) + "}"
        ),
        now
    );
    REQUIRE(cells.size() == type_of("Pod").columns.size());
    return cells[1].as_string() + " " + cells[2].as_string() + " " + cells[3].as_string();
}

constexpr std::string_view kOne = R"({"containers":[{"name":"c"}]})";
constexpr std::string_view kTwo = R"({"containers":[{"name":"c"},{"name":"d"}]})";
constexpr std::string_view kInit =
    R"({"initContainers":[{"name":"i"},{"name":"j"}],"containers":[{"name":"c"}]})";
constexpr std::string_view kSidecar =
    R"({"initContainers":[{"name":"s","restartPolicy":"Always"}],"containers":[{"name":"c"}]})";

}  // namespace

TEST_CASE("pod table: phases and reasons", "[kubeschema]") {
    CHECK(row(kOne, R"({"phase":"Pending"})") == "0/1 Pending 0");
    CHECK(row(kOne, R"({"phase":"Failed","reason":"Evicted"})") == "0/1 Evicted 0");
    CHECK(
        row(kOne, R"({"phase":"Pending","conditions":[{"type":"PodScheduled",)"
                  R"("reason":"SchedulingGated"}]})") == "0/1 SchedulingGated 0"
    );
}

TEST_CASE("pod table: what the containers do", "[kubeschema]") {
    CHECK(
        row(kTwo, R"({"phase":"Running","containerStatuses":[)"
                  R"({"name":"c","ready":true,"state":{"running":{}}},)"
                  R"({"name":"d","ready":true,"state":{"running":{}}}]})") == "2/2 Running 0"
    );
    CHECK(
        row(kOne,
            R"({"phase":"Pending","containerStatuses":[{"name":"c",)"
            R"("state":{"waiting":{"reason":"ContainerCreating"}}}]})") == "0/1 ContainerCreating 0"
    );
    CHECK(
        row(kOne, R"({"phase":"Running","containerStatuses":[{"name":"c","restartCount":3,)"
                  R"("lastState":{"terminated":{"finishedAt":"2026-01-01T00:00:00Z"}},)"
                  R"("state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})") ==
        "0/1 CrashLoopBackOff 3 (5m ago)"
    );
    CHECK(
        row(kOne, R"({"phase":"Failed","containerStatuses":[{"name":"c",)"
                  R"("state":{"terminated":{"exitCode":3}}}]})") == "0/1 ExitCode:3 0"
    );
    CHECK(
        row(kOne, R"({"phase":"Failed","containerStatuses":[{"name":"c",)"
                  R"("state":{"terminated":{"exitCode":137,"signal":9}}}]})") == "0/1 Signal:9 0"
    );
}

TEST_CASE("pod table: completed beside running", "[kubeschema]") {
    const std::string status =
        R"({"phase":"Running","conditions":[{"type":"Ready","status":"READY"}],)"
        R"("containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,)"
        R"("reason":"Completed"}}},{"name":"d","ready":true,"state":{"running":{}}}]})";
    const auto with = [&](const std::string& ready) {
        std::string text = status;
        return row(kTwo, text.replace(text.find("READY"), 5, ready));
    };
    CHECK(with("True") == "1/2 Running 0");
    CHECK(with("False") == "1/2 NotReady 0");
}

TEST_CASE("pod table: init containers and sidecars", "[kubeschema]") {
    CHECK(
        row(kInit, R"({"phase":"Pending","initContainerStatuses":[)"
                   R"({"name":"i","state":{"terminated":{"exitCode":0}}},)"
                   R"({"name":"j","state":{"running":{}}}]})") == "0/1 Init:1/2 0"
    );
    CHECK(
        row(kInit, R"({"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":2,)"
                   R"("state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})") ==
        "0/1 Init:CrashLoopBackOff 2"
    );
    CHECK(
        row(kInit,
            R"({"phase":"Pending","initContainerStatuses":[{"name":"i",)"
            R"("state":{"terminated":{"exitCode":1,"reason":"Error"}}}]})") == "0/1 Init:Error 0"
    );
    CHECK(
        row(kSidecar, R"({"phase":"Running","initContainerStatuses":[{"name":"s","started":true,)"
                      R"("ready":true,"restartCount":1,"state":{"running":{}}}],)"
                      R"("containerStatuses":[{"name":"c","ready":true,"restartCount":2,)"
                      R"("state":{"running":{}}}]})") == "2/2 Running 3"
    );
}

TEST_CASE("pod table: pods that are being deleted", "[kubeschema]") {
    CHECK(row(kOne, R"({"phase":"Running"})", true) == "0/1 Terminating 0");
    CHECK(row(kOne, R"({"phase":"Running","reason":"NodeLost"})", true) == "0/1 Unknown 0");
    CHECK(row(kOne, R"({"phase":"Succeeded"})", true) == "0/1 Succeeded 0");
}
