// SPDX-License-Identifier: Apache-2.0
//
// What a container runtime says of its pods, asked past edgecore.
#pragma once

#include <string>
#include <vector>

namespace farhold::test {

struct SandboxView {
    std::string id;
    std::string pod;  // NAMESPACE/NAME
    std::string uid;
    bool ready = false;
};

struct ContainerView {
    std::string id;
    std::string pod;  // NAMESPACE/NAME
    std::string uid;  // Of the pod.
    std::string name;
    bool running = false;
};

struct RuntimeView {
    std::vector<SandboxView> sandboxes;
    std::vector<ContainerView> containers;
};

// Throws when the runtime does not answer.
RuntimeView view_runtime(const std::string& socket);

}  // namespace farhold::test
