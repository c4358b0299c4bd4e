// SPDX-License-Identifier: Apache-2.0
//
// A Site whose machine and cloud are two hosts, with a line between them that a test makes bad.
#pragma once

#include "common/json/value.hpp"
#include "tests/support/link_emulator/link_emulator.hpp"
#include "tests/support/rig/site.hpp"

#include <chrono>
#include <cstdio>
#include <string>

namespace farhold::test {

using namespace std::chrono_literals;

// A promise is timed by looking from outside, on a machine that does other things as well.
inline constexpr Duration kSlack = 1s;

inline double to_seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

// How long it takes until it is so; throws after the limit.
template <class Condition>
Duration time_until(const std::string& what, Duration limit, Condition condition) {
    const auto start = std::chrono::steady_clock::now();
    wait_until(what, limit, condition);
    return std::chrono::steady_clock::now() - start;
}

// Looks on while time passes.
template <class Look>
void for_a_while(Duration length, Look look) {
    const auto end = std::chrono::steady_clock::now() + length;
    while (std::chrono::steady_clock::now() < end) {
        look();
        pause_briefly(100);
    }
}

inline std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

// A pod that needs a ConfigMap of that size.
inline void apply_pod_with_data(const Cloud& cloud, const std::string& name, std::size_t bytes) {
    // `apply` would put all of it into an annotation as well.
    cloud.kubectl(
        {"create", "-f", "-"}, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" +
                                   name + R"("},"data":{"text":")" + std::string(bytes, 'x') +
                                   R"("}})"
    );
    auto pod = json::Value::parse(pod_manifest(name)).value();
    json::Value& spec = *pod.find("spec");
    spec.set(
        "volumes",
        json::Value::parse(R"([{"name":"data","configMap":{"name":")" + name + R"("}}])").value()
    );
    json::Value container = spec.find("containers")->array().front();
    container.set(
        "volumeMounts", json::Value::parse(R"([{"name":"data","mountPath":"/data"}])").value()
    );
    json::Value containers = json::Value::make_array();
    containers.push_back(std::move(container));
    spec.set("containers", std::move(containers));
    cloud.apply(pod.dump());
}

struct LinkSite {
    static constexpr std::uint64_t kSeed = 4;

    std::int64_t epoch() const { return site.machine.status().integer_at({"link", "epoch"}); }
    std::string trouble() const {
        return std::string(site.machine.status().text_at({"link", "trouble"}));
    }
    // Sessions that the cloud believes to have.
    int cloud_sessions() const {
        const std::string text = site.cloud.metrics();
        const std::string name = "\nfarhold_hub_sessions{";
        int sessions = 0;
        int states = 0;
        for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
            sessions += std::stoi(text.substr(text.find("} ", at) + 2));
            ++states;
        }
        if (states == 0) throw std::runtime_error("no farhold_hub_sessions");
        return sessions;
    }
    void wait_connected(Duration limit) {
        wait_until("the link is connected", limit, [this] { return site.machine.connected(); });
    }

    LinkEmulator line{kSeed};
    Site site{[this](CloudOptions& cloud, MachineOptions& machine) {
        cloud.network_namespace = line.cloud().name();
        cloud.address = LinkEmulator::kCloudAddress;
        machine.network_namespace = line.edge().name();
    }};
};

}  // namespace farhold::test
