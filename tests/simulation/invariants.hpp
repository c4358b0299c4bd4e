// SPDX-License-Identifier: Apache-2.0
//
// What must hold in every run, each as a function with a name (reliability.md 3.1). The first group
// is checked whenever something happens, the second when all faults have stopped and time has passed.
#pragma once

#include "cloudcore/hub/machine_memory.hpp"
#include "edgecore/pods/pod_memory.hpp"
#include "edgecore/store/desired_state.hpp"
#include "edgecore/store/store_batch.hpp"
#include "world.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace farhold::simulation {

class Fleet;

// One pod uid never has two running instances, nor a container two.
void check_single_instance(
    World& world, const std::string& node, const std::string& pod_uid,
    const pods::Observation& state
);

// Nothing is stopped because something could not be read: a container that works is stopped only
// when its pod's deletion was asked for, or its specification is another one.
void check_stop(
    World& world, const std::string& node, const std::string& pod_uid,
    const pods::Observation& state, const pods::ObservedContainer& container
);

// Nothing is deleted because something could not be read: a pod leaves a machine's store only when
// its deletion was asked for or confirmed.
void check_removal(
    World& world, const std::string& node, const object::ObjectKey& key, const std::string& uid
);

// A machine is never taken for two, whatever it goes through.
void check_no_clone(World& world, const std::string& node, const hub::Judgement& judgement);

// No node ever holds an object outside its view.
void check_own_view(World& world, const std::string& node, const store::DesiredRow& row);

// What a pod refers to and was there before it is on the machine before the pod is.
void check_startable(
    World& world, const std::string& node, const store::DesiredState& desired,
    const store::StoreBatch& batch
);

// No key goes backwards.
void check_monotone(
    World& world, const std::string& report, const std::string& uid, std::int64_t order
);

// Queues and memory stay within their bounds.
void check_under_way(
    World& world, const std::string& connection, std::size_t frames, std::size_t bytes
);

void check_memory(Fleet& fleet);

// After quiet every store equals its view; every last durable report has arrived; the outboxes are
// empty; every wanted pod runs, and nothing else does. Empty: all of that holds.
std::string find_unsettled(Fleet& fleet);

}  // namespace farhold::simulation
