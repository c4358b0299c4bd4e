// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/sub_path.hpp"

#include "edgecore/volumes/file_access.hpp"
#include "edgecore/volumes/volume_plan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace farhold::volumes {

namespace {

constexpr mode_t kMadeFolderMode = 0750;  // As kubelet makes them.

// Links are followed only as long as they stay beneath the volume.
FileDescriptor open_beneath(int volume, const std::string& path, std::uint64_t flags) {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const long fd = ::syscall(SYS_openat2, volume, path.c_str(), &how, sizeof how);
    return FileDescriptor(static_cast<int>(fd));
}

Result<FileDescriptor> open_or_make(int volume, const std::string& path) {
    FileDescriptor found = open_beneath(volume, path, O_PATH);
    if (found.valid()) {
        return found;
    }
    if (errno != ENOENT) {
        return fail_errno("resolve subPath", path);
    }
    FileDescriptor folder = open_beneath(volume, ".", O_PATH | O_DIRECTORY);
    for (std::size_t start = 0; start < path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        if (const std::string part = path.substr(start, end - start); !part.empty()) {
            if (::mkdirat(folder.get(), part.c_str(), kMadeFolderMode) != 0 && errno != EEXIST) {
                return fail_errno("mkdir subPath", path);
            }
            // From the volume again, so that a link swapped in meanwhile cannot lead out of it.
            folder = open_beneath(volume, path.substr(0, end), O_PATH | O_DIRECTORY);
            if (!folder.valid()) {
                return fail_errno("resolve subPath", path);
            }
        }
        start = end + 1;
    }
    return folder;
}

Result<void> make_target(const std::string& target, bool folder) {
    if (auto made = make_folders(target.substr(0, target.rfind('/')), 0750); !made) {
        return made;
    }
    // What was there is an empty place for an earlier mount.
    if (::rmdir(target.c_str()) != 0 && errno == ENOTDIR) {
        ::unlink(target.c_str());
    }
    if (folder) {
        return make_folders(target, 0750);
    }
    return write_file(target, "", 0640);
}

}  // namespace

Result<void> bind_sub_path(
    const std::string& volume, const std::string& sub_path, const std::string& target
) {
    if (!is_safe_relative(sub_path)) {
        return fail(ErrorCode::invalid_argument, fmt::format("invalid subPath \"{}\"", sub_path));
    }
    const FileDescriptor root(::open(volume.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) {
        return fail_errno("open volume", volume);
    }
    const auto source = open_or_make(root.get(), sub_path);
    if (!source) {
        return fail(source.error());
    }
    struct stat info{};
    if (::fstat(source->get(), &info) != 0) {
        return fail_errno("stat subPath", sub_path);
    }
    if (auto released = unmount(target); !released) {
        return released;
    }
    if (auto made = make_target(target, S_ISDIR(info.st_mode)); !made) {
        return made;
    }
    const std::string opened = fmt::format("/proc/self/fd/{}", source->get());
    if (::mount(opened.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        return fail_errno("bind subPath to", target);
    }
    return {};
}

}  // namespace farhold::volumes
