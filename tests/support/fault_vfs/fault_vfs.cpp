// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fault_vfs/fault_vfs.hpp"

#include "common/base/ensure.hpp"

#include <sqlite3.h>

#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace farhold::test {
namespace {

// What the hooks, which know no class of ours, share with it.
struct Disk {
    [[nodiscard]] bool holds(const char* name) const {
        return name != nullptr && std::string_view(name).starts_with(folder);
    }
    // Whether this operation is to fail.
    bool strikes(DiskFault kind) {
        const std::lock_guard lock(mutex);
        if (!fault || *fault != kind) {
            return false;
        }
        ++count;
        const bool now = count == at || (for_ever && count > at);
        failed = failed || now;
        return now;
    }
    // Whether a file may become that much longer.
    bool has_room(sqlite3_int64 growth) {
        const std::lock_guard lock(mutex);
        if (!room || growth <= 0) {
            return true;
        }
        if (growth > *room) {
            failed = true;
            return false;
        }
        *room -= growth;
        return true;
    }

    std::mutex mutex;
    std::optional<DiskFault> fault;
    std::uint64_t at = 0;
    std::uint64_t count = 0;
    bool for_ever = false;
    bool failed = false;
    std::optional<sqlite3_int64> room;
    std::string folder;
    sqlite3_vfs* below = nullptr;
    sqlite3_vfs own{};
};

struct File {
    sqlite3_file base;
    Disk* disk;           // Null: no faults here.
    sqlite3_file* below;  // In the memory behind this.

    [[nodiscard]] bool strikes(DiskFault kind) const {
        return disk != nullptr && disk->strikes(kind);
    }
};

File& as_file(sqlite3_file* file) {
    return *reinterpret_cast<File*>(file);
}

int close_file(sqlite3_file* file) {
    return as_file(file).below->pMethods->xClose(as_file(file).below);
}
int read_file(sqlite3_file* file, void* into, int count, sqlite3_int64 at) {
    File& own = as_file(file);
    if (own.strikes(DiskFault::read_error)) return SQLITE_IOERR_READ;
    return own.below->pMethods->xRead(own.below, into, count, at);
}
int write_file(sqlite3_file* file, const void* from, int count, sqlite3_int64 at) {
    File& own = as_file(file);
    if (own.strikes(DiskFault::write_error)) return SQLITE_IOERR_WRITE;
    sqlite3_int64 size = 0;
    own.below->pMethods->xFileSize(own.below, &size);
    if (own.disk != nullptr && !own.disk->has_room(at + count - size)) return SQLITE_FULL;
    return own.below->pMethods->xWrite(own.below, from, count, at);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    File& own = as_file(file);
    if (own.strikes(DiskFault::write_error)) return SQLITE_IOERR_TRUNCATE;
    return own.below->pMethods->xTruncate(own.below, size);
}
int sync_file(sqlite3_file* file, int flags) {
    File& own = as_file(file);
    if (own.strikes(DiskFault::sync_error)) return SQLITE_IOERR_FSYNC;
    return own.below->pMethods->xSync(own.below, flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return as_file(file).below->pMethods->xFileSize(as_file(file).below, size);
}
int lock_file(sqlite3_file* file, int level) {
    return as_file(file).below->pMethods->xLock(as_file(file).below, level);
}
int unlock_file(sqlite3_file* file, int level) {
    return as_file(file).below->pMethods->xUnlock(as_file(file).below, level);
}
int check_lock(sqlite3_file* file, int* held) {
    return as_file(file).below->pMethods->xCheckReservedLock(as_file(file).below, held);
}
int control_file(sqlite3_file* file, int operation, void* argument) {
    return as_file(file).below->pMethods->xFileControl(as_file(file).below, operation, argument);
}
int sector_size(sqlite3_file* file) {
    return as_file(file).below->pMethods->xSectorSize(as_file(file).below);
}
int characteristics(sqlite3_file* file) {
    return as_file(file).below->pMethods->xDeviceCharacteristics(as_file(file).below);
}

// Version 1, without shared memory: our databases are locked for one connection.
constexpr sqlite3_io_methods kMethods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

Disk& disk_of(sqlite3_vfs* vfs) {
    return *static_cast<Disk*>(vfs->pAppData);
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    Disk& disk = disk_of(vfs);
    File& own = as_file(file);
    own.base.pMethods = nullptr;
    own.disk = disk.holds(name) ? &disk : nullptr;
    own.below = reinterpret_cast<sqlite3_file*>(&own + 1);
    const bool creates = (flags & SQLITE_OPEN_CREATE) != 0;
    if (creates && own.strikes(DiskFault::write_error)) return SQLITE_CANTOPEN;
    const int code = disk.below->xOpen(disk.below, name, own.below, flags, out);
    if (code == SQLITE_OK) own.base.pMethods = &kMethods;
    return code;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    Disk& disk = disk_of(vfs);
    if (disk.holds(name) && disk.strikes(DiskFault::write_error)) return SQLITE_IOERR_DELETE;
    return disk.below->xDelete(disk.below, name, sync_folder);
}

int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
    return disk_of(vfs).below->xAccess(disk_of(vfs).below, name, flags, out);
}

int full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) {
    return disk_of(vfs).below->xFullPathname(disk_of(vfs).below, name, size, out);
}

}  // namespace

struct FaultVfs::Impl : Disk {};

FaultVfs::FaultVfs(std::string folder) : impl_(std::make_unique<Impl>()) {
    impl_->folder = std::move(folder);
    impl_->below = sqlite3_vfs_find(nullptr);
    impl_->own = *impl_->below;
    impl_->own.pNext = nullptr;
    impl_->own.zName = "farhold-faults";
    impl_->own.pAppData = static_cast<Disk*>(impl_.get());
    impl_->own.szOsFile = static_cast<int>(sizeof(File)) + impl_->below->szOsFile;
    impl_->own.xOpen = open_file;
    impl_->own.xDelete = delete_file;
    impl_->own.xAccess = access_file;
    impl_->own.xFullPathname = full_path;
    ensure(sqlite3_vfs_register(&impl_->own, 1) == SQLITE_OK, "a VFS is registered");
}

FaultVfs::~FaultVfs() {
    sqlite3_vfs_unregister(&impl_->own);
    sqlite3_vfs_register(impl_->below, 1);
}

void FaultVfs::fail_at(DiskFault fault, std::uint64_t n, bool for_ever) {
    const std::lock_guard lock(impl_->mutex);
    impl_->fault = fault;
    impl_->at = n;
    impl_->count = 0;
    impl_->for_ever = for_ever;
    impl_->failed = false;
}

void FaultVfs::leave_room(std::size_t bytes) {
    const std::lock_guard lock(impl_->mutex);
    impl_->room = static_cast<sqlite3_int64>(bytes);
    impl_->failed = false;
}

void FaultVfs::heal() {
    const std::lock_guard lock(impl_->mutex);
    impl_->fault.reset();
    impl_->room.reset();
}

bool FaultVfs::has_failed() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->failed;
}

}  // namespace farhold::test
