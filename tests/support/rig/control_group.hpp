// SPDX-License-Identifier: Apache-2.0
//
// A control group of a test's own, to limit one program. With version 1 of the kernel's interface each
// controller has its own tree, with version 2 there is one. Skips the test where it cannot be made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace farhold::test {

class ControlGroup {
public:
    explicit ControlGroup(const std::string& controller);
    ControlGroup(const ControlGroup&) = delete;
    ControlGroup& operator=(const ControlGroup&) = delete;
    ~ControlGroup();

    void set(const std::string& file, const std::string& value) const;
    void limit_memory(std::int64_t bytes) const;

    // For ProcessOptions: enters the group, then becomes the program.
    std::vector<std::string> wrapper() const;

private:
    bool unified_ = false;
    std::string path_;
};

}  // namespace farhold::test
