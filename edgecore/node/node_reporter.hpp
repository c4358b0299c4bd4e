// SPDX-License-Identifier: Apache-2.0
//
// Reports the Node's status: when it changes, and every five minutes as a sign of life that people
// can read. Runs on the loop.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/base/time.hpp"
#include "edgecore/node/node_status.hpp"
#include "edgecore/runtime/container_runtime.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace farhold::node {

class NodeReporter {
public:
    // The functions are called on the loop.
    struct Surroundings {
        std::string data_dir;
        std::string version;  // As Kubernetes writes them.
        std::function<StoreFacts()> store;
        // Takes a status for reporting.
        std::function<void(json::Value status)> report;
    };

    NodeReporter(
        Executor executor, runtime::ContainerRuntime& container_runtime, const Clock& clock,
        Surroundings surroundings
    );

    // Runs in the group until that is cancelled; must outlive it.
    void start(TaskGroup& group);

    // Does not wait for the next look, since something has changed.
    void look_now() { wake_.set(); }

    // The last status made, for the machine's own status page.
    [[nodiscard]] const json::Value& status() const { return last_; }

private:
    Task<> loop();
    Task<RuntimeFacts> ask_runtime();
    Task<> list_images();

    runtime::ContainerRuntime& runtime_;
    const Clock& clock_;
    Surroundings surroundings_;
    NodeStatus maker_;
    // What the runtime said last: it is not gone because the runtime is away.
    std::string runtime_name_;
    std::string runtime_version_;
    std::vector<ImageFacts> images_;
    json::Value last_;
    std::optional<Instant> reported_;
    Event wake_;
};

}  // namespace farhold::node
