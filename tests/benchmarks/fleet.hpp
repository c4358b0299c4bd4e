// SPDX-License-Identifier: Apache-2.0
//
// Machines whose link can be cut: each edgecore in a network namespace of its own, all on a bridge
// where cloudcore listens, and one container runtime for all. Each machine has a pod that uses a
// ConfigMap, so that a change of the ConfigMap is a change of the machine's view.
#pragma once

#include "api_session.hpp"
#include "common/base/time.hpp"
#include "tests/support/containerd/containerd_fixture.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/machine.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace farhold::bench {

struct LinkView {
    bool connected = false;
    std::uint64_t epoch = 0;
    std::string digest;
    std::int64_t objects = 0;
    std::int64_t waiting_reports = 0;
    double round_trip_ms = 0;
};

class Network {
public:
    explicit Network(int machines);
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;
    ~Network();

    std::string address() const;  // Of the bridge.
    std::string space(int machine) const;
    // As if the cable were pulled on the other side of the switch: packets vanish.
    void cut(int machine);
    void restore(int machine);

private:
    std::string port(int machine) const;

    int machines_;
    std::string bridge_;
    int subnet_;
};

class Fleet {
public:
    explicit Fleet(int machines);

    int size() const { return static_cast<int>(machines_.size()); }
    std::string name(int machine) const;
    Network& network() { return network_; }
    test::Cloud& cloud() { return cloud_; }
    ApiAccess admin() const;

    // What edgecore itself says, asked inside the machine; needs no link.
    LinkView look(int machine);
    // Gives the ConfigMap of the machine's pod another text.
    void change_config(int machine, ApiSession& api);

private:
    void start_machine(int machine);

    test::ContainerdFixture runtime_;
    Network network_;
    test::Cloud cloud_;
    std::vector<std::unique_ptr<test::Machine>> machines_;
    std::vector<std::unique_ptr<ApiSession>> insides_;
    int changes_ = 0;
};

}  // namespace farhold::bench
