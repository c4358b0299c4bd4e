// SPDX-License-Identifier: Apache-2.0
//
// What `edgecore status` tells: made by the running daemon, shown by the command (status_text.hpp).
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "edgecore/app/machine_identity.hpp"
#include "edgecore/app/outbox_ages.hpp"
#include "edgecore/devices/device_manager.hpp"
#include "edgecore/link/cloud_link.hpp"
#include "edgecore/pods/pod_manager.hpp"
#include "edgecore/runtime/cri_runtime.hpp"
#include "edgecore/store/state_keeper.hpp"

#include <string>

namespace farhold::edge {

struct StatusSources {
    std::string node;
    std::string store_path;
    const link::CloudLink& link;
    const store::StateKeeper& store;
    const pods::PodManager& pods;
    const devices::DeviceManager& devices;
    const OutboxAges& ages;
    const MachineIdentity& identity;
    const runtime::CriRuntime& runtime;
    std::string runtime_endpoint;
    const json::Value& node_status;  // As it was reported last.
};

json::Value make_status(const StatusSources& sources, const store::Outbox& outbox, Now now);

}  // namespace farhold::edge
