// SPDX-License-Identifier: Apache-2.0
//
// A program's folder on the disk: made with mode 0700, held by one process at a time (flock on the
// folder, which the kernel gives back however the process ends), and files that are either the old
// or the new ones after a power cut. Any thread; files are small, so calls block briefly.
#pragma once

#include "common/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::datadir {

class DataDir {
public:
    // Makes the folder when it is missing (its parents too), locks it and writes our process id to
    // DIR/pid. ErrorCode::already_exists when another process holds it. A disk that is full or cannot
    // be written keeps nobody out: then the folder is locked, and trouble() says what is missing.
    static Result<DataDir> open(std::string path);

    DataDir(DataDir&& other) noexcept;
    DataDir& operator=(DataDir&&) = delete;
    // Empties DIR/pid, so that no script ever signals a stranger with our old id.
    ~DataDir();

    const std::string& path() const { return path_; }
    const std::string& trouble() const { return trouble_; }
    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

private:
    DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

    std::string path_;
    std::string trouble_;  // Why DIR/pid is not ours; else empty.
    int lock_;             // The locked folder; -1 when moved from.
};

inline constexpr std::size_t kFileBytesMax = 1 << 20;

// Replaces the file as a whole: a temporary one beside it, synced, renamed, and the folder synced.
Result<void> write_file(const std::string& path, std::string_view content, unsigned mode = 0600);

// After renames in it, so that they survive a power cut.
Result<void> sync_folder(const std::string& folder);

// The whole file; not_found when there is none, resource_exhausted when it is larger.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max = kFileBytesMax);

// Its size; 0 when there is none.
std::uint64_t file_bytes(const std::string& path);

}  // namespace farhold::datadir
