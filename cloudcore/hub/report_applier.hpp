// SPDX-License-Identifier: Apache-2.0
//
// Carries out what report_writer decides: reads the object, writes it, and says what became of the
// report. Runs on the loop; holds nothing.
#pragma once

#include "cloudcore/hub/report_lanes.hpp"
#include "cloudcore/hub/report_writer.hpp"
#include "common/async/task.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace farhold::hub {

struct AppliedReport {
    ApplyOutcome outcome;
    std::uint64_t newer_epoch = 0;  // Set when it was fenced.
};

// `view` is the node's and must outlive the call; the rest is taken along.
Task<AppliedReport> apply_report(
    kubeapi::KubeObjects& client, const Clock& clock, const views::NodeView& view, std::string node,
    ReportMark mark, tunnel::Report report, std::optional<KubeletEndpoint> kubelet
);

}  // namespace farhold::hub
