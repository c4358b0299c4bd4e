// SPDX-License-Identifier: Apache-2.0
#include "fleet.hpp"

#include "common/object/metadata.hpp"
#include "common/tunnel/content.hpp"

#include <utility>

namespace farhold::simulation {

using namespace std::chrono_literals;

json::Value machine_node(std::string_view name) {
    json::Value node = json::Value::make_object();
    node.set("kind", json::Value::of("Node"));
    node.ensure_path({"metadata"}).set("name", json::Value::of(name));
    object::set_annotation(node, tunnel::kMachineKeyAnnotation, "key");
    return node;
}

Fleet::Fleet(World& world, std::size_t hubs, std::size_t machines) : world_(world), api_(world) {
    for (std::size_t i = 1; i <= hubs; ++i) {
        hubs_.push_back(Hub{fmt::format("hub-{}", i), nullptr});
    }
    for (std::size_t i = 1; i <= machines; ++i) {
        machines_.push_back(std::make_unique<Machine>(world, fmt::format("edge-{}", i)));
    }
}

void Fleet::start() {
    for (const auto& machine : machines_) {
        json::Value node = machine_node(machine->parts.name);
        if (world_.random.chance(0.5)) {
            node["metadata"].erase("annotations");
            world_.queue.after(world_.between(0s, 60s), [this, &machine] { enrol(*machine); });
        }
        static_cast<void>(api_.create(std::move(node)));
    }
    haunt_api();
    for (Hub& hub : hubs_) {
        start_hub(hub);
        haunt_hub(hub);
    }
    for (const auto& machine : machines_) {
        start_machine(*machine);
        haunt_machine(*machine);
    }
}

// Its Node may have been there before, with pods, and may be put back to that with the cluster.
void Fleet::enrol(const Machine& machine) {
    const auto known = api_.get(object::ObjectKey{"Node", {}, machine.parts.name});
    if (known && !object::annotation(**known, tunnel::kMachineKeyAnnotation)) {
        world_.note("{} enrols", machine.parts.name);
        json::Value node = **known;
        object::set_annotation(node, tunnel::kMachineKeyAnnotation, "key");
        static_cast<void>(api_.update(std::move(node)));
    }
}

void Fleet::calm() {
    world_.note("calm");
    world_.faults = Faults{};
    for (Hub& hub : hubs_) {
        if (hub.process == nullptr) {
            start_hub(hub);
        }
    }
    for (const auto& machine : machines_) {
        enrol(*machine);
        machine->cut_off_until = Instant{};
        machine->parts.runtime.go_away_for(0s);
        if (machine->process == nullptr) {
            start_machine(*machine);
        }
    }
}

void Fleet::stop() {
    for (const auto& machine : machines_) {
        if (machine->process != nullptr) {
            std::exchange(machine->process, nullptr)->stop();
        }
    }
    for (Hub& hub : hubs_) {
        if (hub.process != nullptr) {
            std::exchange(hub.process, nullptr)->stop();
        }
    }
}

void Fleet::start_machine(Machine& machine) {
    ++machine.start;
    machine.process = std::make_shared<EdgeProcess>(
        world_, machine.parts, [this, &machine](auto done) { dial(machine, std::move(done)); },
        [this, &machine, start = machine.start] {
            if (machine.start == start) {
                kill_machine(machine, false);
            }
        }
    );
    machine.process->start();
}

void Fleet::kill_machine(Machine& machine, bool reboot) {
    if (machine.process == nullptr) {
        return;
    }
    world_.note("{} {}", machine.parts.name, reboot ? "reboots" : "is killed");
    std::exchange(machine.process, nullptr)->stop();
    machine.parts.disk.crash();
    if (reboot) {
        machine.parts.runtime.reboot(WallTime{});
    }
    const std::uint64_t start = ++machine.start;
    world_.queue.after(
        reboot ? world_.between(5s, 60s) : world_.between(100ms, 5s),
        [this, &machine, start] {
            if (machine.process == nullptr && machine.start == start) {
                start_machine(machine);
            }
        }
    );
}

void Fleet::start_hub(Hub& hub) {
    hub.process = std::make_shared<HubProcess>(world_, api_, hub.name);
    hub.process->start();
}

void Fleet::dial(Machine& machine, std::function<void(Result<std::shared_ptr<Connection>>)> done) {
    Hub& hub = hubs_[world_.random.between(0, hubs_.size() - 1)];
    const bool silent = hub.process != nullptr && hub.process->paused();
    if (silent || world_.now() < machine.cut_off_until) {
        world_.queue.after(world_.between(1s, 10s), [done = std::move(done)] {
            done(fail(ErrorCode::deadline, "no answer"));
        });
        return;
    }
    const Duration delay = world_.between(1ms, world_.faults.delay_max * 3);
    world_.queue.after(delay, [this, &machine, &hub, done = std::move(done)] {
        if (hub.process == nullptr) {
            done(fail(ErrorCode::unavailable, "connection refused"));
            return;
        }
        const std::string name =
            fmt::format("{}/{}/{}", machine.parts.name, hub.name, ++connections_);
        const auto connection = std::make_shared<Connection>(world_, name);
        hub.process->accept(machine.parts.name, connection);
        connection->expose();
        done(connection);
    });
}

void Fleet::haunt_machine(Machine& machine) {
    const auto alive = [&machine] { return machine.process != nullptr; };
    world_.haunt(&Faults::kills_per_hour, [this, &machine] {
        kill_machine(machine, false);
        return true;
    });
    world_.haunt(&Faults::reboots_per_hour, [this, &machine] {
        kill_machine(machine, true);
        return true;
    });
    world_.haunt(&Faults::outages_per_hour, [this, &machine] {
        machine.cut_off_until = world_.now() + world_.between(5s, 180s);
        return true;
    });
    world_.haunt(&Faults::clock_steps_per_hour, [this, &machine] {
        const std::chrono::hours step(world_.random.between(0, 200'000));
        machine.parts.clock_error = world_.random.chance(0.5) ? Duration(step) : -Duration(step);
        world_.note("{} clock is {} h off", machine.parts.name, step.count());
        return true;
    });
    world_.haunt(&Faults::crashes_per_hour, [&machine, alive] {
        machine.parts.runtime.crash_container(alive() ? machine.process->now().wall : WallTime{});
        return true;
    });
    world_.haunt(&Faults::wipes_per_hour, [&machine] {
        machine.parts.runtime.wipe();
        return true;
    });
    world_.haunt(&Faults::runtime_away_per_hour, [this, &machine] {
        machine.parts.runtime.go_away_for(world_.between(1s, 60s));
        return true;
    });
}

void Fleet::haunt_hub(Hub& hub) {
    world_.haunt(&Faults::hub_kills_per_hour, [this, &hub] {
        if (hub.process != nullptr) {
            std::exchange(hub.process, nullptr)->stop();
            world_.queue.after(world_.between(100ms, 60s), [this, &hub] {
                if (hub.process == nullptr) {
                    start_hub(hub);
                }
            });
        }
        return true;
    });
    world_.haunt(&Faults::hub_pauses_per_hour, [this, &hub] {
        if (hub.process != nullptr) {
            const Duration duration = world_.between(1s, 60s);
            world_.note("{} is paused for {} ms", hub.name, duration / 1ms);
            hub.process->pause_until(world_.now() + duration);
        }
        return true;
    });
    world_.haunt(&Faults::watch_breaks_per_hour, [&hub] {
        if (hub.process != nullptr) {
            hub.process->break_watch();
        }
        return true;
    });
}

void Fleet::haunt_api() {
    world_.haunt(&Faults::compactions_per_hour, [this] {
        api_.compact();
        return true;
    });
    world_.haunt(&Faults::restores_per_hour, [this] {
        api_.take_snapshot();
        world_.queue.after(world_.between(5s, 60s), [this] {
            if (world_.faults.restores_per_hour > 0) {
                api_.restore();
            }
        });
        return true;
    });
}

}  // namespace farhold::simulation
