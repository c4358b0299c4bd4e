// SPDX-License-Identifier: Apache-2.0
#include "common/datadir/data_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace farhold::datadir {
namespace {

class File {
public:
    explicit File(int handle) : handle_(handle) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (handle_ >= 0) {
            ::close(handle_);
        }
    }

    int get() const { return handle_; }
    int release() { return std::exchange(handle_, -1); }

private:
    int handle_;
};

ErrorCode code_of(int error) {
    switch (error) {
        case ENOENT:
            return ErrorCode::not_found;
        case EACCES:
        case EPERM:
        case EROFS:
            return ErrorCode::permission_denied;
        case ENOSPC:
        case EDQUOT:
        case EMFILE:
        case ENFILE:
            return ErrorCode::resource_exhausted;
        default:
            return ErrorCode::internal;
    }
}

std::unexpected<Error> fail_errno(std::string_view doing, std::string_view path) {
    const int error = errno;
    return fail(
        code_of(error), fmt::format("{} {}: {}", doing, path, std::system_category().message(error))
    );
}

Result<void> write_all(int file, std::string_view content, std::string_view path) {
    while (!content.empty()) {
        const ssize_t written = ::write(file, content.data(), content.size());
        if (written < 0 && errno != EINTR) {
            return fail_errno("write", path);
        }
        content.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    return {};
}

Result<void> sync_folder_of(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path();
    return sync_folder(folder.empty() ? "." : folder);
}

Result<std::string> read_all(int file, std::size_t bytes_max, std::string_view path) {
    std::string content;
    char buffer[16 << 10];
    while (true) {
        const ssize_t count = ::read(file, buffer, sizeof buffer);
        if (count == 0) {
            return content;
        }
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail_errno("read", path);
        }
        content.append(buffer, static_cast<std::size_t>(count));
        if (content.size() > bytes_max) {
            return fail(
                ErrorCode::resource_exhausted,
                fmt::format("read {}: larger than {} bytes", path, bytes_max)
            );
        }
    }
}

Result<void> write_pid(const std::string& path) {
    const File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (file.get() < 0) {
        return fail_errno("open", path);
    }
    if (::ftruncate(file.get(), 0) != 0) {
        return fail_errno("write", path);
    }
    return write_all(file.get(), fmt::format("{}\n", ::getpid()), path);
}

// Full, read-only or broken, against a folder that is not as it should be.
bool is_of_the_disk(int error) {
    return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

// With mode 0700 for what is made here; what exists keeps its mode.
Result<void> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) {
        return {};
    }
    const std::string parent = std::filesystem::path(path).parent_path();
    if (errno != ENOENT || parent.empty() || parent == path) {
        return fail_errno("make folder", path);
    }
    if (const Result<void> made = make_folder(parent); !made) {
        return made;
    }
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return fail_errno("make folder", path);
    }
    return {};
}

}  // namespace

Result<DataDir> DataDir::open(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.pop_back();
    }
    if (const Result<void> made = make_folder(path); !made) {
        return fail(made.error());
    }
    // The folder itself is locked: that needs no room on the disk.
    File lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock.get() < 0) {
        return fail_errno("open", path);
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return fail_errno("lock", path);
        }
        std::string holder = read_file(path + "/pid", 32).value_or("");
        while (holder.ends_with('\n')) {
            holder.pop_back();
        }
        return fail(
            ErrorCode::already_exists,
            fmt::format("data folder {} is in use by process {}", path, holder)
        );
    }
    DataDir dir(std::move(path), lock.release());
    if (const Result<void> written = write_pid(dir.file("pid")); !written) {
        if (!is_of_the_disk(errno)) {
            return fail(written.error());
        }
        dir.trouble_ = written.error().message();
    }
    return dir;
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)),
      trouble_(std::move(other.trouble_)),
      lock_(std::exchange(other.lock_, -1)) {}

DataDir::~DataDir() {
    if (lock_ >= 0) {
        static_cast<void>(::truncate(file("pid").c_str(), 0));
        ::close(lock_);
    }
}

Result<void> write_file(const std::string& path, std::string_view content, unsigned mode) {
    const std::string temporary = path + ".new";
    {
        // A left-over of a crash is removed, so that its mode is not kept.
        ::unlink(temporary.c_str());
        const File file(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        );
        if (file.get() < 0) {
            return fail_errno("create", temporary);
        }
        if (const Result<void> done = write_all(file.get(), content, temporary); !done) {
            return done;
        }
        if (::fsync(file.get()) != 0) {
            return fail_errno("sync", temporary);
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        return fail_errno("replace", path);
    }
    return sync_folder_of(path);
}

Result<void> sync_folder(const std::string& folder) {
    const File handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (handle.get() < 0 || ::fsync(handle.get()) != 0) {
        return fail_errno("sync folder", folder);
    }
    return {};
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
        return fail_errno("open", path);
    }
    return read_all(file.get(), bytes_max, path);
}

std::uint64_t file_bytes(const std::string& path) {
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace farhold::datadir
