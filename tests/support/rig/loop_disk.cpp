// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig/loop_disk.hpp"

#include "tests/support/rig/process.hpp"
#include "tests/support/skip.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace farhold::test {

namespace {

// EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of the kernel's fs/ext4/ext4.h.
constexpr unsigned long kShutdown = 0x8004587D;
constexpr std::uint32_t kNoLogFlush = 2;

}  // namespace

LoopDisk::LoopDisk(const std::string& folder, const std::string& name, int megabytes)
    : image_(folder + "/" + name + ".img"), path_(folder + "/" + name) {
    need_root_and({"mkfs.ext4", "mount", "losetup", "fallocate"});
    std::filesystem::create_directories(path_);
    run({"truncate", "-s", std::to_string(megabytes) + "M", image_});
    run({"mkfs.ext4", "-q", "-F", image_});
    const auto mounted = run_to_end({"mount", "-o", "loop,errors=remount-ro", image_, path_});
    if (mounted.exit_code != 0) skip_tests("no file system on a loop device: " + mounted.output);
}

LoopDisk::~LoopDisk() {
    ::umount2(path_.c_str(), MNT_DETACH);
}

void LoopDisk::mount() {
    run({"mount", "-o", "loop,errors=remount-ro", image_, path_});
}

// A process that was just killed may hold it a moment longer; and as long as anything does, a new mount
// would show the broken file system again.
void LoopDisk::unmount() {
    wait_until(path_ + " is unmounted", std::chrono::seconds(20), [this] {
        return ::umount2(path_.c_str(), 0) == 0 || errno == EINVAL;
    });
    wait_until(image_ + " has no loop device", std::chrono::seconds(20), [this] {
        return run({"losetup", "-j", image_}).empty();
    });
}

void LoopDisk::cut_power() {
    const int folder = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std::uint32_t flags = kNoLogFlush;
    const int outcome = ::ioctl(folder, kShutdown, &flags);
    ::close(folder);
    if (outcome != 0) skip_tests("this file system cannot be shut down");
}

void LoopDisk::restore() {
    unmount();
    mount();
}

void LoopDisk::fill() {
    // As much as there is, in halves, so that nothing is left.
    std::uint64_t size = std::filesystem::space(path_).available;
    for (int part = 0; size >= 512; ++part) {
        const std::string file = path_ + "/fill-" + std::to_string(part);
        const auto done = run_to_end({"fallocate", "-l", std::to_string(size), file});
        if (done.exit_code != 0) {
            std::filesystem::remove(file);
            size /= 2;
        }
    }
}

void LoopDisk::make_room() {
    for (int part = 0; part < 64; ++part) {
        std::filesystem::remove(path_ + "/fill-" + std::to_string(part));
    }
}

void LoopDisk::fail_read_only() {
    // SOURCE is /dev/loopN.
    const std::string device = run({"findmnt", "-n", "-o", "SOURCE", path_});
    const auto name =
        device.substr(device.rfind('/') + 1, device.find('\n') - device.rfind('/') - 1);
    std::ofstream trigger("/sys/fs/ext4/" + name + "/trigger_fs_error");
    trigger << "1" << std::flush;
    if (!trigger) skip_tests("this kernel cannot make ext4 fail");
}

}  // namespace farhold::test
