// SPDX-License-Identifier: Apache-2.0
//
// A disk under SQLite that fails as it is told to: the databases of one folder, opened while this
// exists, are on it. The pattern is "fail the n-th operation, n = 1.. until the work passes". One at a
// time; operations may come from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace farhold::test {

enum class DiskFault : std::uint8_t { write_error, sync_error, read_error };

class FaultVfs {
public:
    explicit FaultVfs(std::string folder);
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;
    ~FaultVfs();

    // The n-th operation of the kind from now on fails, counted from 1: it alone, or all that follow
    // too. write_error covers whatever changes a file or a folder but for syncs.
    void fail_at(DiskFault fault, std::uint64_t n, bool for_ever);
    // So many bytes more, and the disk is full. What was written already may be written again.
    void leave_room(std::size_t bytes);
    // No fault any more.
    void heal();

    // Whether the operation of fail_at() has come.
    [[nodiscard]] bool has_failed() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::test
