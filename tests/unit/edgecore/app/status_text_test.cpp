// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/status_text.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <string_view>

using namespace farhold;
using namespace farhold::edge;
using json::Value;

namespace {

Value healthy() {
    return Value::parse(R"({
        "node": "robot-7", "version": "0.1.0", "time": "2026-03-01T12:00:00Z",
        "link": {"state": "connected", "since": "2026-03-01T11:57:00Z", "hub": "hub.example:10000",
                 "rttMs": 12.345, "lastSync": "2026-03-01T11:57:00Z", "refused": false},
        "view": {"objects": 12, "digest": "00"},
        "outbox": {"depth": 0, "bytes": 0, "oldestSeconds": 0, "full": 0},
        "store": {"path": "/var/lib/farhold/edge/state.db", "bytes": 163840, "integrity": "ok"},
        "runtime": {"connected": true, "endpoint": "unix:///run/containerd/containerd.sock",
                    "reason": "", "version": "containerd://1.6.20"},
        "certificate": {"notAfter": "2026-05-20T08:00:00Z", "secondsLeft": 6897600},
        "clock": {"proved": true, "offsetSeconds": 0},
        "conditions": [],
        "pods": [{"namespace": "default", "name": "hello", "phase": "Running", "ready": true,
                  "restarts": 2, "reason": "", "message": ""}]
    })")
        .value();
}

bool fits(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end > 80) return false;
        text.remove_prefix(end + 1);
    }
    return true;
}

}  // namespace

TEST_CASE("status: all is well", "[status]") {
    CHECK(
        render_status(healthy()) ==
        "Node         robot-7 (edgecore 0.1.0)\n"
        "Link         connected to hub.example:10000 for 3 min, round trip 12.3 ms\n"
        "Reports      none waits\n"
        "Store        ok, 12 objects, 164 kB\n"
        "             /var/lib/farhold/edge/state.db\n"
        "Runtime      ok, containerd://1.6.20\n"
        "Certificate  valid for 79 days, until 2026-05-20\n"
        "Clock        ok\n"
        "Pods         1 of 1 ready\n"
        "\n"
        "NAMESPACE  NAME   READY  RESTARTS  STATUS\n"
        "default    hello  yes           2  Running\n"
    );
}

TEST_CASE("status: everything is wrong", "[status]") {
    const Value status = Value::parse(R"({
        "node": "robot-7", "version": "0.1.0", "time": "2026-03-01T12:00:00Z",
        "link": {"state": "disconnected", "since": "2026-03-01T11:59:59Z",
                 "downSince": "2026-03-01T09:00:00Z", "hub": "hub.example:10000", "rttMs": null,
                 "lastSync": "2026-03-01T08:00:00Z", "refused": true,
                 "trouble": "the hub ends the session: unknown node: there is no node \"robot-7\""},
        "view": {"objects": 1, "digest": "00"},
        "outbox": {"depth": 42, "bytes": 51234, "oldestSeconds": 10800, "full": 3},
        "store": {"path": "/var/lib/farhold/edge/state.db", "bytes": 12345678,
                  "integrity": "commit: database or disk is full"},
        "runtime": {"connected": false, "endpoint": "unix:///run/containerd/containerd.sock",
                    "reason": "connect: Connection refused", "version": ""},
        "certificate": {"notAfter": "2026-02-28T12:00:00Z", "secondsLeft": -86400},
        "clock": {"proved": true, "offsetSeconds": -315360000},
        "conditions": [{"type": "DiskPressure", "status": "True",
                        "message": "kubelet has disk pressure"}],
        "pods": [
          {"namespace": "default", "name": "camera", "phase": "Pending", "ready": false,
           "restarts": 0, "reason": "ImagePullBackOff",
           "message": "Back-off pulling image \"registry.example/camera:1\": not found"},
          {"namespace": "kube-system", "name": "log", "phase": "Running", "ready": false,
           "restarts": 17, "reason": "CrashLoopBackOff", "message": ""}]
    })")
                             .value();
    const std::string text = render_status(status);
    CHECK(
        text ==
        "Node         robot-7 (edgecore 0.1.0)\n"
        "Link         REFUSED by hub.example:10000 for 3 h\n"
        "             why: the hub ends the session: unknown node: there is no node\n"
        "             \"robot-7\"\n"
        "             last in sync 4 h ago\n"
        "             What to do: see the reason. If the Node was deleted or the disk was\n"
        "             copied, let the machine join anew: edgecore leave, then edgecore\n"
        "             join.\n"
        "Reports      42 wait for the hub (51 kB), the oldest for 3 h\n"
        "             NO ROOM: 3 reports did not fit\n"
        "Store        TROUBLE, 1 object, 12 MB\n"
        "             commit: database or disk is full\n"
        "             /var/lib/farhold/edge/state.db\n"
        "Runtime      NOT REACHABLE\n"
        "             why: connect: Connection refused\n"
        "             unix:///run/containerd/containerd.sock\n"
        "Certificate  EXPIRED 24 h ago; renewed at the next connect\n"
        "Clock        WRONG: 3650 days behind the hub's\n"
        "Condition    DiskPressure: kubelet has disk pressure\n"
        "Pods         0 of 2 ready\n"
        "\n"
        "NAMESPACE    NAME    READY  RESTARTS  STATUS\n"
        "default      camera  no            0  ImagePullBackOff\n"
        "             Back-off pulling image \"registry.example/camera:1\": not found\n"
        "kube-system  log     no           17  CrashLoopBackOff\n"
    );
    CHECK(fits(text));
}

TEST_CASE("status: a machine that was never connected", "[status]") {
    Value status = healthy();
    status["link"] = Value::parse(R"({"state": "connecting", "since": "2026-03-01T11:59:58Z",
        "downSince": "2026-03-01T11:59:30Z", "hub": "hub.example:10000", "rttMs": null,
        "lastSync": null, "refused": false, "trouble": "connect: No route to host"})")
                         .value();
    status["clock"]["proved"] = Value::of(false);
    status["pods"] = Value::make_array();
    const std::string text = render_status(status);
    CHECK(
        text.substr(0, text.find("Reports")) ==
        "Node         robot-7 (edgecore 0.1.0)\n"
        "Link         NOT CONNECTED to hub.example:10000 for 30 s\n"
        "             why: connect: No route to host\n"
        "             never in sync since edgecore started\n"
        "             Pods go on running; edgecore tries again by itself.\n"
    );
    CHECK(
        text.ends_with("Clock        not compared with a hub's since edgecore started\n"
                       "Pods         none\n")
    );
}

TEST_CASE("status: durations and sizes for people", "[status]") {
    CHECK(human_duration(-5) == "0 s");
    CHECK(human_duration(59) == "59 s");
    CHECK(human_duration(60) == "1 min");
    CHECK(human_duration(7199) == "119 min");
    CHECK(human_duration(7200) == "2 h");
    CHECK(human_duration(48 * 3600) == "2 days");
    CHECK(human_bytes(999) == "999 B");
    CHECK(human_bytes(1234) == "1.2 kB");
    CHECK(human_bytes(163840) == "164 kB");
    CHECK(human_bytes(3'000'000'000) == "3.0 GB");
}
