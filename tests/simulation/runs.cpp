// SPDX-License-Identifier: Apache-2.0
#include "runs.hpp"

#include "fleet.hpp"
#include "invariants.hpp"
#include "user.hpp"

namespace farhold::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Duration kCalmMax = 20min;
constexpr Duration kLook = 10s;

void run_for(World& world, Duration duration) {
    world.queue.run_until(world.now() + duration, [&world] { return world.violation.has_value(); });
}

// Liveness: without faults everything settles, and then stays so.
void expect_calm(Fleet& fleet) {
    World& world = fleet.world();
    std::string unsettled = "not looked yet";
    const Instant end = world.now() + kCalmMax;
    while (!unsettled.empty() && world.now() < end && !world.violation) {
        for (const Fleet::Hub& hub : fleet.hubs()) {
            if (hub.process != nullptr) {
                hub.process->confirm_all();
            }
        }
        run_for(world, kLook);
        unsettled = find_unsettled(fleet);
    }
    if (!unsettled.empty()) {
        world.violate("settles", unsettled);
        return;
    }
    run_for(world, 60s);
    unsettled = find_unsettled(fleet);
    if (!unsettled.empty()) {
        world.violate("stays_settled", unsettled);
    }
}

Outcome finish(Fleet& fleet) {
    World& world = fleet.world();
    fleet.stop();
    return Outcome{world.violation, world.trace.hash()};
}

}  // namespace

Outcome run_seed(std::uint64_t seed, bool print) {
    World world(seed, print);
    world.faults = Faults::draw(world.random);
    const std::size_t hubs = world.random.between(1, 2);
    const std::size_t machines = world.random.between(1, 8);
    world.note("seed {}: {} hubs, {} machines, {}", seed, hubs, machines, world.faults.text());
    Fleet fleet(world, hubs, machines);
    User user(fleet);
    fleet.start();
    user.start();
    const Instant calm = world.now() + world.between(3min, 15min);
    while (world.now() < calm && !world.violation) {
        run_for(world, std::min<Duration>(30s, calm - world.now()));
        check_memory(fleet);
    }
    user.stop();
    fleet.calm();
    expect_calm(fleet);
    return finish(fleet);
}

Outcome run_years(std::uint64_t seed, int years, bool print) {
    World world(seed, print);
    Fleet fleet(world, 1, 1);
    User user(fleet);
    fleet.start();
    user.start();
    run_for(world, 5min);
    user.stop();
    expect_calm(fleet);
    Fleet::Machine& machine = *fleet.machines().front();
    const std::size_t pods = machine.parts.runtime.pods().size();
    std::exchange(fleet.hubs().front().process, nullptr)->stop();
    for (int week = 0; week < years * 52 && !world.violation; ++week) {
        fleet.kill_machine(machine, true);
        run_for(world, 10min);
        if (machine.process == nullptr || machine.parts.runtime.pods().size() != pods) {
            world.violate("offline", fmt::format("week {}: the pods are not back", week));
        }
        check_memory(fleet);
        machine.parts.runtime.crash_container(machine.process->now().wall);
        run_for(world, 7 * 24h);
    }
    fleet.calm();
    expect_calm(fleet);
    return finish(fleet);
}

}  // namespace farhold::simulation
