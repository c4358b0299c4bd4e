// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

#include "invariants.hpp"

#include <utility>

namespace farhold::simulation {

using namespace std::chrono_literals;

Connection::Connection(World& world, std::string name) : world_(world), name_(std::move(name)) {}

void Connection::expose() {
    const std::weak_ptr<Connection> self = weak_from_this();
    world_.haunt(&Faults::cuts_per_hour, [self] {
        const auto connection = self.lock();
        if (connection != nullptr) {
            connection->cut();
        }
        return connection != nullptr;
    });
    world_.haunt(&Faults::halves_per_hour, [self] {
        const auto connection = self.lock();
        if (connection != nullptr) {
            connection->half_open();
        }
        return connection != nullptr;
    });
}

void Connection::send(Side from, std::string bytes) {
    const Side to = other(from);
    if (!open_[index(from)]) {
        return;
    }
    std::size_t& frames = frames_under_way_[index(to)];
    bytes_under_way_[index(to)] += bytes.size();
    check_under_way(world_, name_, ++frames, bytes_under_way_[index(to)]);
    Instant arrival = world_.now() + world_.between(100us, world_.faults.delay_max);
    const bool late = world_.happens(world_.faults.frame_late);
    if (!late) {
        arrival = std::max(arrival, last_arrival_[index(to)]);
        last_arrival_[index(to)] = arrival;
    } else {
        arrival += world_.between(1ms, 3s);
    }
    const int copies = world_.happens(world_.faults.frame_lost)    ? 0
                       : world_.happens(world_.faults.frame_twice) ? 2
                                                                   : 1;
    const auto self = shared_from_this();
    world_.queue.at(arrival, [self, to, copies, bytes = std::move(bytes)] {
        --self->frames_under_way_[index(to)];
        self->bytes_under_way_[index(to)] -= bytes.size();
        for (int copy = 0; copy < copies; ++copy) {
            self->deliver(to, bytes);
        }
    });
}

void Connection::deliver(Side to, std::string bytes) {
    if (open_[index(to)] && !silent_[index(to)]) {
        ends_[index(to)].received(std::move(bytes));
    }
}

void Connection::close(Side from, const std::string& reason) {
    if (!std::exchange(open_[index(from)], false)) {
        return;
    }
    ends_[index(from)] = {};
    // Behind what was sent before.
    const Side to = other(from);
    const Instant arrival = std::max(
        world_.now() + world_.between(100us, world_.faults.delay_max), last_arrival_[index(to)]
    );
    const auto self = shared_from_this();
    world_.queue.at(arrival, [self, to, reason] {
        if (!self->silent_[index(to)]) {
            self->tell_closed(to, reason);
        }
    });
}

void Connection::tell_closed(Side to, const std::string& reason) {
    if (std::exchange(open_[index(to)], false)) {
        const Endpoint end = std::exchange(ends_[index(to)], {});
        end.closed(reason);
    }
}

void Connection::cut() {
    world_.note("{} cut", name_);
    tell_closed(Side::machine, "cut");
    tell_closed(Side::hub, "cut");
}

void Connection::half_open() {
    const std::uint64_t which = world_.random.between(1, 3);
    world_.note("{} half-open {}", name_, which);
    silent_[0] = silent_[0] || (which & 1U) != 0;
    silent_[1] = silent_[1] || (which & 2U) != 0;
}

}  // namespace farhold::simulation
