// SPDX-License-Identifier: Apache-2.0
//
// A small file system of a test's own (ext4 in a file, on a loop device), whose power can be cut, that
// can be full, or go read-only as after an error of the disk. Skips the test where there is no loop
// device.
#pragma once

#include <string>

namespace farhold::test {

class LoopDisk {
public:
    // FOLDER/NAME is where it is mounted.
    LoopDisk(const std::string& folder, const std::string& name, int megabytes);
    LoopDisk(const LoopDisk&) = delete;
    LoopDisk& operator=(const LoopDisk&) = delete;
    ~LoopDisk();

    const std::string& path() const { return path_; }

    // Nothing that is not on the disk by now will ever be there; every call fails from now on. Then
    // whoever uses it must be ended, and restore() called.
    void cut_power();
    // Mounts it again, as after a power cut or an error.
    void restore();

    void fill();
    void make_room();

    void fail_read_only();

private:
    void mount();
    void unmount();

    std::string image_;
    std::string path_;
};

}  // namespace farhold::test
