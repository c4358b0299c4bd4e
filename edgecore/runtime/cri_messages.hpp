// SPDX-License-Identifier: Apache-2.0
//
// Pure: the interface's plain values as CRI messages and back. Private to edgecore/runtime.
#pragma once

#include "edgecore/runtime/container_runtime.hpp"

#include <proto/cri/v1/runtime.pb.h>

#include <string>

namespace farhold::runtime {

namespace cri = ::runtime::v1;

// Marks what is ours.
inline constexpr auto kStoreLabel = "io.farhold.store";

void fill(cri::PodSandboxConfig& message, const SandboxConfig& config, const std::string& store);
void fill(
    cri::ContainerConfig& message, const ContainerConfig& config, const SandboxConfig& sandbox,
    const std::string& store
);

Sandbox from_message(const cri::PodSandbox& message);
Container from_message(const cri::Container& message);
SandboxStatus from_message(const cri::PodSandboxStatus& message);
ContainerStatus from_message(const cri::ContainerStatus& message);
ContainerUsage from_message(const cri::ContainerStats& message);
ImageInfo from_message(const cri::Image& message);

}  // namespace farhold::runtime
