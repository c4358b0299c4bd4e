// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/file_access.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace farhold::volumes {

namespace {

// mountinfo writes space, tab, newline and backslash as three octal digits.
std::string decode_octal(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            const auto digit = [&](std::size_t offset) { return text[i + offset] - '0'; };
            result += static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3));
            i += 3;
        } else {
            result += text[i];
        }
    }
    return result;
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail_errno("write", path);
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

FileDescriptor::~FileDescriptor() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

std::unexpected<Error> fail_errno(std::string_view what, const std::string& path) {
    const int number = errno;
    const ErrorCode code = number == ENOENT                       ? ErrorCode::not_found
                           : number == ENOSPC || number == EDQUOT ? ErrorCode::resource_exhausted
                           : number == EACCES || number == EPERM  ? ErrorCode::permission_denied
                                                                  : ErrorCode::internal;
    return fail(
        code,
        fmt::format(
            "{} {}: {}", what, path, std::error_code(number, std::generic_category()).message()
        )
    );
}

Result<void> make_folders(const std::string& path, mode_t mode) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
            return fail_errno("mkdir", part);
        }
        if (end == std::string::npos) {
            return {};
        }
    }
}

Result<void> set_mode(const std::string& path, mode_t mode) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid() || ::fchmod(file.get(), mode) != 0) {
        return fail_errno("chmod", path);
    }
    return {};
}

Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode) {
    const FileDescriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode & 0700U)
    );
    if (!file.valid()) {
        return fail_errno("open", path);
    }
    if (auto written = write_all(file.get(), bytes, path); !written) {
        return written;
    }
    if (::fchmod(file.get(), mode) != 0) {
        return fail_errno("chmod", path);
    }
    return {};
}

Result<std::optional<std::string>> read_file(
    const std::string& path, std::size_t bytes_max, Keep keep
) {
    // A fifo or device in its place must not block us.
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        return fail_errno("open", path);
    }
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) {
        return fail_errno("stat", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(ErrorCode::invalid_argument, path + " is no regular file");
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    std::string bytes(std::min(size, bytes_max), '\0');
    const off_t start = keep == Keep::tail ? static_cast<off_t>(size - bytes.size()) : 0;
    const ssize_t count = ::pread(file.get(), bytes.data(), bytes.size(), start);
    if (count < 0) {
        return fail_errno("read", path);
    }
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
}

Result<void> remove_tree(const std::string& path) {
    std::error_code error;
    std::filesystem::remove_all(path, error);  // Removes links, never follows them.
    if (error) {
        return fail(ErrorCode::internal, fmt::format("remove {}: {}", path, error.message()));
    }
    return {};
}

Result<std::vector<std::string>> mounts_below(const std::string& path) {
    std::ifstream table("/proc/self/mountinfo");
    if (!table) {
        return fail(ErrorCode::internal, "cannot read /proc/self/mountinfo");
    }
    std::vector<std::string> result;
    for (std::string line; std::getline(table, line);) {
        std::istringstream fields(line);
        std::string id;
        std::string parent;
        std::string device;
        std::string root;
        std::string point;
        fields >> id >> parent >> device >> root >> point;
        point = decode_octal(point);
        if (point == path || point.starts_with(path + "/")) {
            result.push_back(std::move(point));
        }
    }
    // Later mounts lie over earlier ones.
    std::ranges::reverse(result);
    return result;
}

Result<void> mount_tmpfs(const std::string& path, std::optional<std::int64_t> bytes_max) {
    const std::string options =
        bytes_max ? fmt::format("mode=0777,size={}", *bytes_max) : std::string("mode=0777");
    if (::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
        return fail_errno("mount tmpfs on", path);
    }
    return {};
}

Result<void> unmount(const std::string& path) {
    if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL &&
        errno != ENOENT) {
        return fail_errno("unmount", path);
    }
    return {};
}

}  // namespace farhold::volumes
