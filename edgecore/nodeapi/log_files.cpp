// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/log_files.hpp"

#include "edgecore/nodeapi/log_lines.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

namespace farhold::nodeapi {

namespace {

constexpr std::size_t kTailBlockBytes = std::size_t{64} << 10U;

std::unexpected<Error> fail_errno(std::string_view what, const std::string& path) {
    const int code = errno;
    return fail(
        code == ENOENT ? ErrorCode::not_found : ErrorCode::internal,
        fmt::format("{} {}: {}", what, path, std::generic_category().message(code))
    );
}

// "0.log" is 0, "0.log.17" is 17.
std::optional<std::uint64_t> file_number(std::string_view name, std::string_view written) {
    if (!name.starts_with(written)) {
        return std::nullopt;
    }
    name.remove_prefix(written.size());
    if (name.empty()) {
        return 0;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
    if (name[0] != '.' || error != std::errc() || end != name.data() + name.size() || number == 0) {
        return std::nullopt;
    }
    return number;
}

Result<std::string> read_at(int file, std::uint64_t offset, std::size_t count) {
    std::string bytes(count, '\0');
    const auto got = ::pread(file, bytes.data(), count, static_cast<off_t>(offset));
    if (got < 0) {
        return fail_errno("read", "log");
    }
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
}

class OpenFile {
public:
    explicit OpenFile(const std::string& path)
        : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

// Whether the finder has found its place in this file.
Result<bool> search_backwards(const LogFile& file, TailFinder& finder) {
    const OpenFile opened(file.path);
    if (opened.get() < 0) {
        return fail_errno("open", file.path);
    }
    for (std::uint64_t end = file.bytes; end > 0;) {
        const std::size_t count = std::min<std::uint64_t>(end, kTailBlockBytes);
        const auto block = read_at(opened.get(), end - count, count);
        if (!block) {
            return fail(block.error());
        }
        if (finder.prepend(*block)) {
            return true;
        }
        end -= count;
    }
    return false;
}

}  // namespace

std::vector<LogFile> list_log_files(const std::string& directory, std::uint32_t attempt) {
    std::vector<LogFile> files;
    const std::string written = fmt::format("{}.log", attempt);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        const auto number = file_number(entry.path().filename().string(), written);
        struct stat about = {};
        if (!number || ::lstat(entry.path().c_str(), &about) != 0 || !S_ISREG(about.st_mode)) {
            continue;
        }
        files.push_back({
            .path = entry.path().string(),
            .number = *number,
            .bytes = static_cast<std::uint64_t>(about.st_size),
            .inode = about.st_ino,
        });
    }
    std::ranges::sort(files, [](const LogFile& one, const LogFile& other) {
        return one.number - 1 < other.number - 1;  // 0 comes last.
    });
    return files;
}

Result<std::unique_ptr<LogCursor>> LogCursor::open(
    std::string directory, std::uint32_t attempt, std::optional<std::uint64_t> tail_lines
) {
    std::unique_ptr<LogCursor> cursor(new LogCursor(std::move(directory), attempt));
    const auto files = list_log_files(cursor->directory_, attempt);
    if (files.empty()) {
        return cursor;
    }
    const auto placed =
        tail_lines ? cursor->seek_last_lines(files, *tail_lines) : cursor->enter(files.front(), 0);
    if (!placed) {
        return fail(placed.error());
    }
    return cursor;
}

LogCursor::~LogCursor() {
    if (file_ >= 0) ::close(file_);
}

Result<void> LogCursor::seek_last_lines(const std::vector<LogFile>& files, std::uint64_t lines) {
    TailFinder finder(lines);
    bool found = false;
    for (auto file = files.rbegin(); file != files.rend() && !found; ++file) {
        const auto searched = search_backwards(*file, finder);
        if (!searched) {
            return fail(searched.error());
        }
        found = *searched;
    }
    finder.finish();
    std::uint64_t distance = finder.distance();
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
        if (distance <= file->bytes) {
            return enter(*file, file->bytes - distance);
        }
        distance -= file->bytes;
    }
    return enter(files.front(), 0);
}

Result<void> LogCursor::enter(const LogFile& file, std::uint64_t offset) {
    const int opened = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0) {
        return fail_errno("open", file.path);
    }
    if (file_ >= 0) ::close(file_);
    file_ = opened;
    struct stat about = {};
    if (::fstat(file_, &about) != 0 || ::lseek(file_, static_cast<off_t>(offset), SEEK_SET) < 0) {
        return fail_errno("read", file.path);
    }
    inode_ = about.st_ino;
    was_written_ = file.number == 0;
    left_since_.reset();
    return {};
}

Result<std::string> LogCursor::read(std::size_t bytes_max, Instant now) {
    for (;;) {
        if (file_ >= 0) {
            std::string bytes(bytes_max, '\0');
            const auto got = ::read(file_, bytes.data(), bytes.size());
            if (got < 0) {
                return fail_errno("read", directory_);
            }
            if (got > 0) {
                bytes.resize(static_cast<std::size_t>(got));
                return bytes;
            }
        }
        const auto moved = move_on(now);
        if (!moved) {
            return fail(moved.error());
        }
        if (!*moved) {
            return std::string();
        }
    }
}

// To the file after the one that is read to its end. One that has gone was older than all others.
Result<bool> LogCursor::move_on(Instant now) {
    struct stat written = {};
    const std::string path = fmt::format("{}/{}.log", directory_, attempt_);
    if (file_ >= 0 && ::lstat(path.c_str(), &written) == 0 && written.st_ino == inode_) {
        return false;
    }
    const auto files = list_log_files(directory_, attempt_);
    auto next = std::ranges::find(files, inode_, &LogFile::inode);
    next = next == files.end() || file_ < 0 ? files.begin() : next + 1;
    if (next == files.end()) {
        return false;
    }
    if (file_ >= 0 && was_written_) {
        if (!left_since_) {
            left_since_ = now;
        }
        if (now - *left_since_ < kRotationSettles) {
            return false;
        }
    }
    if (auto entered = enter(*next, 0); !entered) {
        // Rotated away between the listing and here.
        return entered.error().code() == ErrorCode::not_found ? Result<bool>(true)
                                                              : fail(entered.error());
    }
    return true;
}

}  // namespace farhold::nodeapi
