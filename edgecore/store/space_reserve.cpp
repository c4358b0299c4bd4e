// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/space_reserve.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace farhold::store {
namespace {

constexpr std::size_t kStatBlock = 512;  // The unit of st_blocks.

std::unexpected<Error> failed(int error, const std::string& path) {
    const bool full = error == ENOSPC || error == EDQUOT;
    return fail(
        full ? ErrorCode::resource_exhausted : ErrorCode::internal,
        fmt::format("reserve {}: {}", path, std::system_category().message(error))
    );
}

std::size_t free_bytes(const std::string& folder) {
    struct statvfs disk{};
    if (::statvfs(folder.c_str(), &disk) != 0) {
        return 0;
    }
    // Some blocks are root's alone.
    const auto blocks = ::geteuid() == 0 ? disk.f_bfree : disk.f_bavail;
    return static_cast<std::size_t>(blocks) * disk.f_frsize;
}

}  // namespace

SpaceReserve::SpaceReserve(std::string path, std::size_t bytes)
    : path_(std::move(path)), bytes_(bytes) {}

Result<void> SpaceReserve::fill() {
    struct stat file{};
    if (::stat(path_.c_str(), &file) == 0 &&
        static_cast<std::size_t>(file.st_blocks) * kStatBlock >= bytes_) {
        return {};
    }
    // Else it would be needed again at once.
    const std::string folder = std::filesystem::path(path_).parent_path();
    if (free_bytes(folder) < 2 * bytes_) {
        return failed(ENOSPC, path_);
    }
    const int handle = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (handle < 0) {
        return failed(errno, path_);
    }
    const int error = ::posix_fallocate(handle, 0, static_cast<off_t>(bytes_));
    ::close(handle);
    if (error != 0) {
        release();
        return failed(error, path_);
    }
    return {};
}

void SpaceReserve::release() {
    ::unlink(path_.c_str());
}

}  // namespace farhold::store
