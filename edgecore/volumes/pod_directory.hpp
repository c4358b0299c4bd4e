// SPDX-License-Identifier: Apache-2.0
//
// One pod's folder, DATA_DIR/pods/<uid>, in kubelet's layout:
//
//   etc-hosts                          mounted as /etc/hosts
//   containers/<name>/<attempt>        mounted as the termination message file
//   volumes/<plugin>/<volume>          emptyDir, ConfigMap, Secret, downward and projected volumes
//   volume-subpaths/<volume>/<container>/<index>
//
// Blocking: used on the thread for file work only. Every call may be repeated; after a crash the
// next one mends what is half-done.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/podspec/environment.hpp"
#include "edgecore/podspec/pod_spec.hpp"
#include "edgecore/volumes/volume_plan.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::volumes {

struct BindMount {
    std::string container_path;
    std::string host_path;
    bool read_only = false;
    podspec::Propagation propagation = podspec::Propagation::none;
};

// Whether a uid can be the name of a pod's folder: not a path, not hidden.
bool is_folder_name(std::string_view uid);

class PodDirectory {
public:
    // The uid is a folder name.
    PodDirectory(std::string pods_root, const std::string& uid);

    [[nodiscard]] const std::string& path() const { return path_; }

    // Makes what is missing and brings files up to date; running containers see the new files.
    [[nodiscard]] Result<void> prepare(const VolumePlan& plan) const;

    // What a container of this attempt mounts: its volumes, /etc/hosts, the termination message.
    [[nodiscard]] Result<std::vector<BindMount>> container_mounts(
        const VolumePlan& plan, const podspec::ContainerSpec& container, std::uint32_t attempt,
        const podspec::Environment& environment
    ) const;

    [[nodiscard]] Result<void> write_hosts(std::string_view text) const;

    // Empty when the container left none.
    [[nodiscard]] Result<std::string> termination_message(
        const std::string& container, std::uint32_t attempt
    ) const;

    // Unmounts and deletes everything. Nothing is deleted while anything is still mounted inside.
    [[nodiscard]] Result<void> remove() const;

private:
    [[nodiscard]] std::string volume_path(const PlannedVolume& volume) const;
    [[nodiscard]] std::string message_path(const std::string& container, std::uint32_t attempt)
        const;
    [[nodiscard]] Result<void> prepare_volume(
        const PlannedVolume& volume, std::optional<std::int64_t> fs_group
    ) const;
    [[nodiscard]] Result<std::string> mount_source(
        const VolumePlan& plan, const podspec::ContainerSpec& container, std::size_t index,
        const podspec::Environment& environment
    ) const;

    std::string path_;
};

// The uids of all pods that have a folder here; other files are passed over.
Result<std::vector<std::string>> pod_directories(const std::string& pods_root);

// Of what a container wrote last, for terminationMessagePolicy FallbackToLogsOnError: at most 80
// lines and 2 KiB of its log in CRI's format.
std::string log_tail(const std::string& log_path);

}  // namespace farhold::volumes
