// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/atomic_directory.hpp"

#include "edgecore/volumes/file_access.hpp"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

namespace farhold::volumes {

namespace {

namespace fs = std::filesystem;

constexpr const char* kData = "..data";
constexpr const char* kNewData = "..data_tmp";
constexpr mode_t kFolderMode = 0755;
constexpr mode_t kGroupRead = 0440;

std::string first_component(const std::string& path) {
    return path.substr(0, path.find('/'));
}

std::set<std::string> top_names(const Files& files) {
    std::set<std::string> names;
    for (const auto& [path, content] : files) {
        names.insert(first_component(path));
    }
    return names;
}

mode_t wanted_mode(const FileContent& content, std::optional<std::int64_t> group) {
    return group ? content.mode | kGroupRead : content.mode;
}

// The folder that ..data names, or empty.
std::string current_version(const std::string& folder) {
    std::error_code error;
    const fs::path target = fs::read_symlink(folder + "/" + kData, error);
    return error ? std::string() : fmt::format("{}/{}", folder, target.string());
}

bool holds(const std::string& version, const Files& files, std::optional<std::int64_t> group) {
    if (version.empty()) {
        return false;
    }
    for (const auto& [path, content] : files) {
        const std::string full = fmt::format("{}/{}", version, path);
        const auto bytes = read_file(full, content.bytes.size() + 1);
        struct stat info{};
        if (!bytes || !*bytes || **bytes != content.bytes || ::lstat(full.c_str(), &info) != 0 ||
            (info.st_mode & 07777U) != wanted_mode(content, group) ||
            (group && info.st_gid != static_cast<gid_t>(*group)) ||
            (content.owner && info.st_uid != static_cast<uid_t>(*content.owner))) {
            return false;
        }
    }
    std::error_code error;
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(version, error)) {
        count += entry.is_directory(error) ? 0 : 1;
    }
    return !error && count == files.size();
}

Result<void> set_owner(
    const std::string& path, std::optional<std::int64_t> user, std::optional<std::int64_t> group
) {
    constexpr std::int64_t kAsItIs = -1;
    const auto uid = static_cast<uid_t>(user.value_or(kAsItIs));
    const auto gid = static_cast<gid_t>(group.value_or(kAsItIs));
    if ((user || group) && ::lchown(path.c_str(), uid, gid) != 0) {
        return fail_errno("chown", path);
    }
    return {};
}

Result<std::string> write_version(
    const std::string& folder, const Files& files, std::optional<std::int64_t> group
) {
    std::string version = folder + "/..XXXXXX";
    if (::mkdtemp(version.data()) == nullptr) {
        return fail_errno("mkdtemp", version);
    }
    if (auto mode = set_mode(version, kFolderMode); !mode) {
        return fail(mode.error());
    }
    for (const auto& [path, content] : files) {
        const std::string full = fmt::format("{}/{}", version, path);
        if (auto made = make_folders(full.substr(0, full.rfind('/')), kFolderMode); !made) {
            return fail(made.error());
        }
        if (auto written = write_file(full, content.bytes, 0600); !written) {
            return fail(written.error());
        }
        if (auto owned = set_owner(full, content.owner, group); !owned) {
            return fail(owned.error());
        }
        // Last, as chown takes setuid bits away.
        if (::chmod(full.c_str(), wanted_mode(content, group)) != 0) {
            return fail_errno("chmod", full);
        }
    }
    return version;
}

// rename(2) replaces the old link, so there is a link at every moment.
Result<void> point_data_to(const std::string& folder, const std::string& version) {
    const std::string fresh = folder + "/" + kNewData;
    if (::unlink(fresh.c_str()) != 0 && errno != ENOENT) {
        return fail_errno("unlink", fresh);
    }
    const std::string name = version.substr(version.rfind('/') + 1);
    if (::symlink(name.c_str(), fresh.c_str()) != 0) {
        return fail_errno("symlink", fresh);
    }
    const std::string data = folder + "/" + kData;
    if (::rename(fresh.c_str(), data.c_str()) != 0) {
        return fail_errno("rename", data);
    }
    return {};
}

Result<void> make_links(const std::string& folder, const std::set<std::string>& names) {
    for (const std::string& name : names) {
        const std::string link = fmt::format("{}/{}", folder, name);
        if (::symlink(fmt::format("{}/{}", kData, name).c_str(), link.c_str()) != 0 &&
            errno != EEXIST) {
            return fail_errno("symlink", link);
        }
    }
    return {};
}

// Links of keys that are gone, and versions that are not in use.
Result<void> clear_old(const std::string& folder, const std::set<std::string>& names) {
    const std::string current = current_version(folder);
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name == kData || entry.path().string() == current || names.contains(name)) {
            continue;
        }
        if (auto removed = remove_tree(entry.path().string()); !removed) {
            return removed;
        }
    }
    if (error) {
        return fail(ErrorCode::internal, fmt::format("read {}: {}", folder, error.message()));
    }
    return {};
}

}  // namespace

Result<void> write_atomically(
    const std::string& folder, const Files& files, std::optional<std::int64_t> group
) {
    const std::set<std::string> names = top_names(files);
    if (!holds(current_version(folder), files, group)) {
        const auto version = write_version(folder, files, group);
        if (!version) {
            return fail(version.error());
        }
        if (auto pointed = point_data_to(folder, *version); !pointed) {
            return pointed;
        }
    }
    if (auto linked = make_links(folder, names); !linked) {
        return linked;
    }
    return clear_old(folder, names);
}

}  // namespace farhold::volumes
