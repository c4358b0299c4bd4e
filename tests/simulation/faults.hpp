// SPDX-License-Identifier: Apache-2.0
//
// What may go wrong in a run, and how often. Each seed draws its own rates (swarm testing): many are
// zero, some high; a third of the seeds have one kind of fault only, so that a failure reads easily.
#pragma once

#include "common/base/random.hpp"
#include "common/base/time.hpp"

#include <string>

namespace farhold::simulation {

// Probabilities for each occasion, unless the name says otherwise.
struct Faults {
    // The network.
    double frame_lost = 0;
    double frame_twice = 0;
    double frame_late = 0;        // Overtaken by the frames behind it.
    double cuts_per_hour = 0;     // Of each connection, seen by both ends.
    double halves_per_hour = 0;   // Of each connection: silence, in one direction or both.
    double outages_per_hour = 0;  // Of each machine: no hub can be reached for a while.
    Duration delay_max = std::chrono::milliseconds(20);

    // The machines.
    double kills_per_hour = 0;  // Of edgecore; its containers go on.
    double reboots_per_hour = 0;
    double commit_crash = 0;  // The process dies in a commit, before or after it is durable.
    double commit_fails = 0;
    double row_damaged = 0;  // At a start: a row of the store cannot be read.
    double clock_steps_per_hour = 0;

    // The container runtime.
    double operation_fails = 0;
    double operation_late = 0;    // Times out, and takes effect later.
    double answer_lost = 0;       // Takes effect, and times out.
    double crashes_per_hour = 0;  // Of each container.
    double wipes_per_hour = 0;    // Everything in the runtime is gone.
    double runtime_away_per_hour = 0;

    // The hubs and the API server.
    double hub_kills_per_hour = 0;
    double hub_pauses_per_hour = 0;  // Stopped for a while; then it goes on with what it had.
    double api_fails = 0;
    double api_slow = 0;  // The answer takes seconds.
    double list_partial = 0;
    double read_refused = 0;  // Of an object: neither there nor absent.
    double watch_breaks_per_hour = 0;
    double compactions_per_hour = 0;
    double restores_per_hour = 0;  // To an older state, which then takes another course.

    static Faults draw(Random& random);
    // For the trace: those that are not zero.
    [[nodiscard]] std::string text() const;
};

}  // namespace farhold::simulation
