// SPDX-License-Identifier: Apache-2.0
//
// Reports the Node's status: when it changes, and every five minutes as a sign of life that people
// can read. Runs on the loop.
#pragma once

#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "edgecore/node/node_status.hpp"
#include "edgecore/runtime/container_runtime.hpp"

#include <functional>
#include <optional>
#include <string>

namespace farhold::node {

class NodeReporter {
public:
    // Hands a status over for reporting; called on the loop.
    using Report = std::function<void(json::Value status)>;

    NodeReporter(
        runtime::ContainerRuntime& container_runtime, const Clock& clock, std::string data_dir,
        std::string version, Report report
    );

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // The last status made, for the machine's own status page.
    [[nodiscard]] const json::Value& status() const { return last_; }

private:
    Task<> loop();
    Task<RuntimeFacts> ask_runtime();
    Task<std::vector<ImageFacts>> list_images();

    runtime::ContainerRuntime& runtime_;
    const Clock& clock_;
    std::string data_dir_;
    Report report_;
    NodeStatus maker_;
    json::Value last_;
    std::optional<Instant> reported_;
};

}  // namespace farhold::node
