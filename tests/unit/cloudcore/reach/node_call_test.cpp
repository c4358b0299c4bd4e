// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/reach/node_call.hpp"

#include <catch2/catch.hpp>

using namespace farhold;         // NOLINT(google-build-using-namespace)
using namespace farhold::reach;  // NOLINT(google-build-using-namespace)
using streams::StreamClass;

TEST_CASE("node call: what a session is about", "[reach]") {
    const CallSubject exec = subject_of(
        "/exec/default/hello/main?command=sh&command=-c&command=echo+a%26b&input=1&output=1&tty=1"
    );
    CHECK(exec.what == "exec");
    CHECK(exec.ns == "default");
    CHECK(exec.pod == "hello");
    CHECK(exec.container == "main");
    CHECK(exec.command == "sh -c echo a&b");
    CHECK(exec.stdin_wanted);
    CHECK(exec.stdout_wanted);
    CHECK_FALSE(exec.stderr_wanted);
    CHECK(exec.tty);

    const CallSubject forward = subject_of("/portForward/default/hello");
    CHECK(forward.pod == "hello");
    CHECK(forward.container.empty());
    // With the Pod's uid before the container, as a kubelet takes it too.
    CHECK(subject_of("/attach/default/hello/1-2-3/main?tty=0").container == "main");
    CHECK(subject_of("/").what.empty());
    CHECK(subject_of("/stats/summary").pod.empty());
}

TEST_CASE("node call: who waits for each byte shares the control connection", "[reach]") {
    const auto class_of = [](std::string_view target) { return stream_class(subject_of(target)); };
    CHECK(class_of("/exec/a/b/c?command=sh&tty=1&input=1") == StreamClass::interactive);
    CHECK(class_of("/exec/a/b/c?command=tar&input=1") == StreamClass::bulk);
    CHECK(class_of("/attach/a/b/c?output=1") == StreamClass::bulk);
    CHECK(class_of("/portForward/a/b") == StreamClass::bulk);
    CHECK(class_of("/containerLogs/a/b/c") == StreamClass::bulk);
    CHECK(class_of("/containerLogs/a/b/c?follow=true") == StreamClass::interactive);
    CHECK(class_of("/stats/summary") == StreamClass::interactive);
}

TEST_CASE("node call: what a client wants its connection to become", "[reach]") {
    CHECK(upgrade_of({}) == Upgrade::none);
    CHECK(upgrade_of({{"Upgrade", "SPDY/3.1"}}) == Upgrade::spdy);
    CHECK(upgrade_of({{"upgrade", "WebSocket"}}) == Upgrade::websocket);
    CHECK(upgrade_of({{"Upgrade", "h2c"}}) == Upgrade::unknown);
}

TEST_CASE("node call: the first WebSocket protocol that is known is taken", "[reach]") {
    const CallSubject exec = subject_of("/exec/a/b/c");
    const CallSubject forward = subject_of("/portForward/a/b");
    const net::HttpHeaders both{
        {"Sec-WebSocket-Protocol", "channel.k8s.io, v5.channel.k8s.io"},
        {"sec-websocket-protocol", "v4.channel.k8s.io"},
    };
    CHECK(choose_protocol(exec, both) == "v5.channel.k8s.io");
    CHECK(choose_protocol(forward, both).empty());
    const net::HttpHeaders tunnel{{"Sec-WebSocket-Protocol", "SPDY/3.1+portforward.k8s.io"}};
    CHECK(choose_protocol(forward, tunnel) == "SPDY/3.1+portforward.k8s.io");
    CHECK(choose_protocol(exec, tunnel).empty());
}
