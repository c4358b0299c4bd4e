// SPDX-License-Identifier: Apache-2.0
//
// What `edgecore status` tells: made by the running daemon, shown by the command.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "edgecore/app/outbox_ages.hpp"
#include "edgecore/link/cloud_link.hpp"
#include "edgecore/pods/pod_manager.hpp"
#include "edgecore/store/state_keeper.hpp"

#include <string>

namespace farhold::edge {

struct StatusSources {
    std::string node;
    std::string store_path;
    const link::CloudLink& link;
    const store::StateKeeper& store;
    const pods::PodManager& pods;
    const OutboxAges& ages;
};

json::Value make_status(const StatusSources& sources, const store::Outbox& outbox, Now now);

// For people: a screenful.
std::string render_status(const json::Value& status);

}  // namespace farhold::edge
