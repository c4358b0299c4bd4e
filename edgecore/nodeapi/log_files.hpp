// SPDX-License-Identifier: Apache-2.0
//
// The files of one container instance's log, "<attempt>.log.<n>" with n counting up as they are
// rotated, then "<attempt>.log" that the runtime writes; and a cursor that reads through them
// meanwhile. Blocking: for the thread for file work.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace farhold::nodeapi {

// A rotated file is read to its end once more so long after its successor was seen: the runtime opens
// the new one before it leaves the old one.
inline constexpr Duration kRotationSettles = std::chrono::milliseconds(200);

struct LogFile {
    std::string path;
    std::uint64_t number = 0;  // 0: the one that is written.
    std::uint64_t bytes = 0;
    ino_t inode = 0;
};
// From the oldest to the one that is written.
std::vector<LogFile> list_log_files(const std::string& directory, std::uint32_t attempt);

class LogCursor {
public:
    // Before the first byte, or before the last lines. Nothing has been written yet: also well.
    static Result<std::unique_ptr<LogCursor>> open(
        std::string directory, std::uint32_t attempt, std::optional<std::uint64_t> tail_lines
    );
    LogCursor(const LogCursor&) = delete;
    LogCursor& operator=(const LogCursor&) = delete;
    ~LogCursor();

    // The next bytes, at most so many. None: the end, for now.
    Result<std::string> read(std::size_t bytes_max, Instant now);

private:
    LogCursor(std::string directory, std::uint32_t attempt)
        : directory_(std::move(directory)), attempt_(attempt) {}

    Result<void> seek_last_lines(const std::vector<LogFile>& files, std::uint64_t lines);
    Result<void> enter(const LogFile& file, std::uint64_t offset);
    Result<bool> move_on(Instant now);

    std::string directory_;
    std::uint32_t attempt_;
    int file_ = -1;
    ino_t inode_ = 0;
    bool was_written_ = false;           // It was the runtime's when we entered it.
    std::optional<Instant> left_since_;  // When its successor was first seen.
};

}  // namespace farhold::nodeapi
