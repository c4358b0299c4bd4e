// SPDX-License-Identifier: Apache-2.0
//
// All of one run: the API server, the hubs, the machines, and what befalls them.
#pragma once

#include "api_server.hpp"
#include "edge_process.hpp"
#include "hub_process.hpp"
#include "world.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::simulation {

// A Node that a machine has enrolled.
json::Value machine_node(std::string_view name);

class Fleet {
public:
    struct Machine {
        explicit Machine(World& world, const std::string& name)
            : parts{name, CrashingStore(world, name), SimRuntime(world, name), {}, 0} {}

        MachineParts parts;
        std::shared_ptr<EdgeProcess> process;  // Null: dead.
        Instant cut_off_until{};               // No hub can be reached.
        std::uint64_t start = 0;               // Which start is awaited or was the last.
    };
    struct Hub {
        std::string name;
        std::shared_ptr<HubProcess> process;  // Null: dead.
    };

    Fleet(World& world, std::size_t hubs, std::size_t machines);

    // Everything is started, and the faults of the world begin.
    void start();
    // All faults end: what is dead comes back, what is broken heals, what is held is confirmed.
    void calm();
    void stop();

    [[nodiscard]] World& world() { return world_; }
    [[nodiscard]] ApiServer& api() { return api_; }
    [[nodiscard]] std::vector<std::unique_ptr<Machine>>& machines() { return machines_; }
    [[nodiscard]] std::vector<Hub>& hubs() { return hubs_; }

    void kill_machine(Machine& machine, bool reboot);

private:
    void start_machine(Machine& machine);
    void enrol(const Machine& machine);
    void start_hub(Hub& hub);
    void dial(Machine& machine, std::function<void(Result<std::shared_ptr<Connection>>)> done);
    void haunt_machine(Machine& machine);
    void haunt_hub(Hub& hub);
    void haunt_api();

    World& world_;
    ApiServer api_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::vector<Hub> hubs_;
    std::uint64_t connections_ = 0;
};

}  // namespace farhold::simulation
