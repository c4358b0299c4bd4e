// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/pod_directory.hpp"

#include "common/base/ensure.hpp"
#include "edgecore/volumes/atomic_directory.hpp"
#include "edgecore/volumes/file_access.hpp"
#include "edgecore/volumes/sub_path.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sstream>
#include <utility>

namespace farhold::volumes {

namespace {

constexpr mode_t kPrivate = 0750;
constexpr mode_t kForAll = 0777;
constexpr mode_t kHostFolderMode = 0755;
constexpr mode_t kHostFileMode = 0644;
constexpr std::size_t kMessageBytesMax = 4096;  // Kubernetes' limits.
constexpr std::size_t kLogMessageBytesMax = 2048;
constexpr std::size_t kLogMessageLinesMax = 80;

bool is_mounted(const std::string& path) {
    struct stat own{};
    struct stat parent{};
    const std::string above = path.substr(0, path.rfind('/'));
    return ::lstat(path.c_str(), &own) == 0 && ::lstat(above.c_str(), &parent) == 0 &&
           own.st_dev != parent.st_dev;
}

Result<void> give_to_group(const std::string& path, std::int64_t group) {
    if (::lchown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(group)) != 0) {
        return fail_errno("chown", path);
    }
    // New files inside belong to the group as well.
    return set_mode(path, kForAll | S_ISGID);
}

struct HostPathType {
    std::string_view name;
    mode_t kind;
    std::string_view words;
};
constexpr HostPathType kHostPathTypes[] = {
    {"Directory", S_IFDIR, "a directory"},
    {"DirectoryOrCreate", S_IFDIR, "a directory"},
    {"File", S_IFREG, "a file"},
    {"FileOrCreate", S_IFREG, "a file"},
    {"Socket", S_IFSOCK, "a socket file"},
    {"CharDevice", S_IFCHR, "a character device"},
    {"BlockDevice", S_IFBLK, "a block device"},
};

Result<void> check_host_path(const PlannedHostPath& wanted) {
    if (wanted.type.empty()) {
        return {};
    }
    const auto* type = std::ranges::find(kHostPathTypes, wanted.type, &HostPathType::name);
    if (type == std::end(kHostPathTypes)) {
        return fail(ErrorCode::invalid_argument, "unknown hostPath type " + wanted.type);
    }
    struct stat info{};
    if (::stat(wanted.path.c_str(), &info) != 0) {
        if (errno == ENOENT && wanted.type == "DirectoryOrCreate") {
            return make_folders(wanted.path, kHostFolderMode);
        }
        if (errno == ENOENT && wanted.type == "FileOrCreate") {
            return write_file(wanted.path, "", kHostFileMode);
        }
        info.st_mode = 0;
    }
    if ((info.st_mode & static_cast<mode_t>(S_IFMT)) != type->kind) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("hostPath type check failed: {} is not {}", wanted.path, type->words)
        );
    }
    return {};
}

Result<void> make_memory_folder(
    const std::string& path, std::optional<std::int64_t> size_limit_bytes
) {
    if (auto made = make_folders(path, kPrivate); !made) {
        return made;
    }
    return is_mounted(path) ? Result<void>() : mount_tmpfs(path, size_limit_bytes);
}

}  // namespace

bool is_folder_name(std::string_view uid) {
    return !uid.empty() && uid.front() != '.' && !uid.contains('/') && !uid.contains('\0');
}

PodDirectory::PodDirectory(std::string pods_root, const std::string& uid)
    : path_(std::move(pods_root) + "/" + uid) {
    ensure(is_folder_name(uid), "a pod uid is one path component");
}

std::string PodDirectory::volume_path(const PlannedVolume& volume) const {
    if (const auto* host = std::get_if<PlannedHostPath>(&volume.content)) {
        return host->path;
    }
    return fmt::format("{}/volumes/{}/{}", path_, volume.plugin, volume.name);
}

std::string PodDirectory::message_path(const std::string& container, std::uint32_t attempt) const {
    return fmt::format("{}/containers/{}/{}", path_, container, attempt);
}

Result<void> PodDirectory::prepare_volume(
    const PlannedVolume& volume, std::optional<std::int64_t> fs_group
) const {
    if (const auto* host = std::get_if<PlannedHostPath>(&volume.content)) {
        return check_host_path(*host);
    }
    const std::string path = volume_path(volume);
    if (const auto* empty = std::get_if<PlannedEmptyDir>(&volume.content)) {
        auto made = empty->memory ? make_memory_folder(path, empty->size_limit_bytes)
                                  : make_folders(path, kPrivate);
        if (!made) {
            return made;
        }
        return fs_group ? give_to_group(path, *fs_group) : set_mode(path, kForAll);
    }
    const auto& files = std::get<PlannedFiles>(volume.content);
    auto made =
        files.memory ? make_memory_folder(path, std::nullopt) : make_folders(path, kPrivate);
    if (!made) {
        return made;
    }
    if (auto mode = set_mode(path, kForAll); !mode) {
        return mode;
    }
    return write_atomically(path, files.files, fs_group);
}

Result<void> PodDirectory::prepare(const VolumePlan& plan) const {
    if (auto made = make_folders(path_, kPrivate); !made) {
        return made;
    }
    for (const PlannedVolume& volume : plan.volumes) {
        if (auto done = prepare_volume(volume, plan.fs_group); !done) {
            return fail(Error(
                done.error().code(), fmt::format(
                                         "MountVolume.SetUp failed for volume \"{}\" : {}",
                                         volume.name, done.error().message()
                                     )
            ));
        }
    }
    return {};
}

Result<std::string> PodDirectory::mount_source(
    const VolumePlan& plan, const podspec::ContainerSpec& container, std::size_t index,
    const podspec::Environment& environment
) const {
    const podspec::VolumeMount& mount = container.mounts[index];
    const auto volume = std::ranges::find(plan.volumes, mount.volume, &PlannedVolume::name);
    if (volume == plan.volumes.end()) {
        return fail(
            ErrorCode::invalid_argument, fmt::format("volume \"{}\" not found", mount.volume)
        );
    }
    const Result<std::string> sub_path = mount.sub_path_expr.empty()
                                             ? mount.sub_path
                                             : podspec::expand(mount.sub_path_expr, environment);
    if (!sub_path) {
        return fail(sub_path.error().within("subPathExpr"));
    }
    std::string source = volume_path(*volume);
    if (sub_path->empty()) {
        return source;
    }
    std::string target =
        fmt::format("{}/volume-subpaths/{}/{}/{}", path_, mount.volume, container.name, index);
    if (auto bound = bind_sub_path(source, *sub_path, target); !bound) {
        return fail(bound.error().within(
            fmt::format("failed to prepare subPath for volumeMount \"{}\"", mount.volume)
        ));
    }
    return target;
}

Result<std::vector<BindMount>> PodDirectory::container_mounts(
    const VolumePlan& plan, const podspec::ContainerSpec& container, std::uint32_t attempt,
    const podspec::Environment& environment
) const {
    std::vector<BindMount> mounts;
    bool has_hosts = false;
    for (std::size_t index = 0; index < container.mounts.size(); ++index) {
        const podspec::VolumeMount& mount = container.mounts[index];
        auto source = mount_source(plan, container, index, environment);
        if (!source) {
            return fail(source.error());
        }
        const auto volume = std::ranges::find(plan.volumes, mount.volume, &PlannedVolume::name);
        const bool files = std::holds_alternative<PlannedFiles>(volume->content);
        mounts.push_back({
            .container_path = mount.mount_path,
            .host_path = std::move(*source),
            .read_only = mount.read_only || files,
            .propagation = mount.propagation,
        });
        has_hosts |= mount.mount_path == "/etc/hosts";
    }
    if (!has_hosts) {
        mounts.push_back({.container_path = "/etc/hosts", .host_path = path_ + "/etc-hosts"});
    }
    if (!container.message_path.empty()) {
        const std::string message = message_path(container.name, attempt);
        if (auto made = make_folders(message.substr(0, message.rfind('/')), kPrivate); !made) {
            return fail(made.error());
        }
        // Whoever the container runs as may write it.
        if (auto made = write_file(message, "", 0666); !made) {
            return fail(made.error());
        }
        mounts.push_back({.container_path = container.message_path, .host_path = message});
    }
    return mounts;
}

Result<void> PodDirectory::write_hosts(std::string_view text) const {
    if (auto made = make_folders(path_, kPrivate); !made) {
        return made;
    }
    // In place, since running containers have this very file mounted.
    return write_file(path_ + "/etc-hosts", text, kHostFileMode);
}

Result<std::string> PodDirectory::termination_message(
    const std::string& container, std::uint32_t attempt
) const {
    auto text = read_file(message_path(container, attempt), kMessageBytesMax);
    if (!text) {
        return fail(text.error());
    }
    return std::move(*text).value_or("");
}

Result<void> PodDirectory::remove() const {
    const auto mounts = mounts_below(path_);
    if (!mounts) {
        return fail(mounts.error());
    }
    for (const std::string& point : *mounts) {
        if (auto released = unmount(point); !released) {
            return released;
        }
    }
    const auto left = mounts_below(path_);
    if (!left) {
        return fail(left.error());
    }
    if (!left->empty()) {
        return fail(ErrorCode::unavailable, left->front() + " is still mounted");
    }
    return remove_tree(path_);
}

Result<std::vector<std::string>> pod_directories(const std::string& pods_root) {
    std::vector<std::string> uids;
    std::error_code error;
    if (!std::filesystem::exists(pods_root, error)) {
        return uids;
    }
    for (const auto& entry : std::filesystem::directory_iterator(pods_root, error)) {
        if (std::string uid = entry.path().filename().string(); is_folder_name(uid)) {
            uids.push_back(std::move(uid));
        }
    }
    if (error) {
        return fail(ErrorCode::internal, fmt::format("read {}: {}", pods_root, error.message()));
    }
    return uids;
}

std::string log_tail(const std::string& log_path) {
    // Each record has a prefix of about 40 bytes.
    constexpr std::size_t kReadBytes = kLogMessageBytesMax + kLogMessageLinesMax * 64;
    const auto tail = read_file(log_path, kReadBytes, Keep::tail);
    if (!tail || !*tail) {
        return "";
    }
    std::vector<std::string> lines;
    std::istringstream records(**tail);
    for (std::string record; std::getline(records, record);) {
        // "2026-11-23T18:45:51.652607344Z stdout F text"
        std::size_t start = 0;
        for (int fields = 0; fields < 3 && start != std::string::npos; ++fields) {
            start = record.find(' ', start == 0 ? 0 : start + 1);
        }
        if (start != std::string::npos) {
            lines.push_back(record.substr(start + 1));
        }
    }
    const std::size_t first =
        lines.size() > kLogMessageLinesMax ? lines.size() - kLogMessageLinesMax : 0;
    std::string text;
    for (std::size_t index = first; index < lines.size(); ++index) {
        text += lines[index] + "\n";
    }
    return text.size() > kLogMessageBytesMax ? text.substr(text.size() - kLogMessageBytesMax)
                                             : text;
}

}  // namespace farhold::volumes
