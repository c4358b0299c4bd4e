// SPDX-License-Identifier: Apache-2.0
//
// What a running edgecore measures, read from its parts when somebody asks. README.md beside this
// file lists the names; a test compares the two. No series is made for an object.
#pragma once

#include "common/base/time.hpp"
#include "common/metrics/samples.hpp"
#include "edgecore/app/machine_identity.hpp"
#include "edgecore/app/outbox_ages.hpp"
#include "edgecore/devices/device_manager.hpp"
#include "edgecore/link/cloud_link.hpp"
#include "edgecore/pods/pod_manager.hpp"
#include "edgecore/runtime/cri_runtime.hpp"
#include "edgecore/store/state_keeper.hpp"

#include <string>

namespace farhold::edge {

struct MetricSources {
    std::string store_path;
    const MachineIdentity& identity;
    const link::CloudLink& link;
    store::StateKeeper& store;
    const pods::PodManager& pods;
    const devices::DeviceManager& devices;
    const runtime::CriRuntime& runtime;
    const OutboxAges& ages;
};

void collect(metrics::Samples& samples, const MetricSources& sources, Now now);

}  // namespace farhold::edge
