// SPDX-License-Identifier: Apache-2.0
//
// Pure: what stands in a pod's volumes, worked out before any file is touched. An error names the
// volume and what is missing, in kubelet's words.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/podspec/environment.hpp"
#include "edgecore/podspec/pod_spec.hpp"
#include "edgecore/podspec/references.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace farhold::volumes {

struct FileContent {
    std::string bytes;
    std::uint32_t mode = 0644;
    std::optional<std::int64_t> owner = std::nullopt;  // A user; else root's.

    bool operator==(const FileContent&) const = default;
};
// By path below the volume; never absolute, never with "..".
using Files = std::map<std::string, FileContent>;

struct PlannedEmptyDir {
    bool memory = false;
    std::optional<std::int64_t> size_limit_bytes;
};
struct PlannedHostPath {
    std::string path;
    std::string type;
};
struct PlannedFiles {
    Files files;
    bool memory = false;  // Holds secrets: never on a disk.
};

struct PlannedVolume {
    std::string name;
    std::string plugin;  // Kubelet's folder name, "kubernetes.io~configmap"; empty for host paths.
    std::variant<PlannedEmptyDir, PlannedHostPath, PlannedFiles> content;
};

struct VolumePlan {
    std::string pod_uid;
    std::optional<std::int64_t> fs_group;
    std::vector<PlannedVolume> volumes;
};

Result<VolumePlan> plan_volumes(
    const podspec::PodSpec& pod, const podspec::References& references,
    const podspec::MachineFacts& facts
);

// Whether a path from an object may name a file below a volume.
bool is_safe_relative(std::string_view path);

}  // namespace farhold::volumes
