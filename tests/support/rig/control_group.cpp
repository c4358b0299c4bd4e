// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig/control_group.hpp"

#include "tests/support/rig/process.hpp"
#include "tests/support/skip.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace farhold::test {

namespace fs = std::filesystem;

ControlGroup::ControlGroup(const std::string& controller) {
    need_root_and({"sh"});
    const fs::path root = "/sys/fs/cgroup";
    unified_ = fs::exists(root / "cgroup.controllers");
    if (unified_) {
        std::ofstream(root / "cgroup.subtree_control") << "+" + controller;
    }
    path_ = (unified_ ? root : root / controller) / ("fht-" + std::to_string(::getpid()));
    std::error_code error;
    fs::create_directory(path_, error);
    const std::string limit =
        controller == "memory" && !unified_ ? "memory.limit_in_bytes" : controller + ".max";
    if (!fs::exists(path_ + "/" + limit)) {
        ::rmdir(path_.c_str());
        skip_tests("no control group can be made for " + controller);
    }
}

ControlGroup::~ControlGroup() {
    // Its processes have just been killed; the kernel lets go of them a moment later.
    for (int attempt = 0; attempt < 100 && ::rmdir(path_.c_str()) != 0; ++attempt) pause_briefly();
}

void ControlGroup::set(const std::string& file, const std::string& value) const {
    std::ofstream out(path_ + "/" + file);
    out << value << std::flush;
    if (!out) throw std::runtime_error("cannot write " + path_ + "/" + file);
}

void ControlGroup::limit_memory(std::int64_t bytes) const {
    set(unified_ ? "memory.max" : "memory.limit_in_bytes", std::to_string(bytes));
}

std::vector<std::string> ControlGroup::wrapper() const {
    return {"sh", "-c", "echo $$ >" + path_ + "/cgroup.procs; exec \"$@\"", "sh"};
}

}  // namespace farhold::test
