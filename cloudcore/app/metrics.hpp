// SPDX-License-Identifier: Apache-2.0
//
// What a running cloudcore measures, read from its parts when somebody asks; the embedded API counts
// for itself. README.md beside this file lists the names; a test compares the two. No series is made
// for an object or a machine.
#pragma once

#include "cloudcore/autonomy/toleration_keeper.hpp"
#include "cloudcore/enrolment/enrolment.hpp"
#include "cloudcore/hub/hub.hpp"
#include "cloudcore/kube/cluster_client.hpp"
#include "cloudcore/nodes/node_controller.hpp"
#include "cloudcore/scheduler/scheduler.hpp"
#include "common/metrics/samples.hpp"

#include <string>

namespace farhold::cloud {

// The process, the version and, unless empty, the database of the embedded API.
void collect_program(metrics::Samples& samples, const std::string& database);
void collect_hub(metrics::Samples& samples, const hub::Hub& hub);
void collect_cluster(metrics::Samples& samples, const kube::RequestCounts& requests);
void collect_autonomy(metrics::Samples& samples, const autonomy::KeeperCounters& counters);
void collect_enrolment(metrics::Samples& samples, const enrolment::EnrolmentCounters& counters);
void collect_controllers(
    metrics::Samples& samples, const scheduler::Scheduler& scheduler,
    const nodes::NodeController& nodes
);

}  // namespace farhold::cloud
