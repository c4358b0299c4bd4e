// SPDX-License-Identifier: Apache-2.0
//
// Small wrappers of the kernel's file calls for the rest of this folder. Blocking. Nothing here
// follows a symbolic link in the last component.
#pragma once

#include "common/base/error.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::volumes {

class FileDescriptor {
public:
    explicit FileDescriptor(int fd = -1) : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~FileDescriptor();

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }

private:
    int fd_;
};

// "open /x: No such file or directory", from errno.
std::unexpected<Error> fail_errno(std::string_view what, const std::string& path);

// Makes the folder and those above it; what exists stays as it is.
Result<void> make_folders(const std::string& path, mode_t mode);
// Exactly that mode, whatever the umask.
Result<void> set_mode(const std::string& path, mode_t mode);
Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode);
// Nothing when it does not exist. Longer files are cut, at the end or at the beginning.
enum class Keep : unsigned char { head, tail };
Result<std::optional<std::string>> read_file(
    const std::string& path, std::size_t bytes_max, Keep keep = Keep::head
);

// Everything below and the folder itself. The caller has made sure that nothing is mounted there.
Result<void> remove_tree(const std::string& path);

// Mount points at or below the path, deepest first.
Result<std::vector<std::string>> mounts_below(const std::string& path);
Result<void> mount_tmpfs(const std::string& path, std::optional<std::int64_t> bytes_max);
Result<void> unmount(const std::string& path);

}  // namespace farhold::volumes
