// SPDX-License-Identifier: Apache-2.0
//
// The files of an SQLite database after a disk has done what it likes to them: overwritten, cut off
// or replaced, as a fuzzer's input says.
#pragma once

#include "tests/support/fuzz_input.hpp"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::test {

class DamagedDatabase {
public:
    // The files as they are now.
    static DamagedDatabase read(const std::string& path) {
        return {content_of(path), content_of(path + "-wal")};
    }

    // Returns whether the log is there at all.
    bool damage(FuzzInput& in) {
        const bool with_log = in.flag();
        for (int i = 0; i < 8 && !in.at_end(); ++i) {
            damage(in.flag() ? log_ : database_, in);
        }
        return with_log;
    }

    void write(const std::string& path, bool with_log) const {
        std::ofstream(path, std::ios::binary) << database_;
        if (with_log) {
            std::ofstream(path + "-wal", std::ios::binary) << log_;
        }
    }

private:
    DamagedDatabase(std::string database, std::string log)
        : database_(std::move(database)), log_(std::move(log)) {}

    static std::string content_of(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    static void damage(std::string& bytes, FuzzInput& in) {
        const std::size_t high = in.byte();
        const std::size_t at =
            (high << 16U | std::size_t{in.byte()} << 8U | in.byte()) % (bytes.size() + 1);
        switch (in.below(4)) {
            case 0:
                bytes.resize(at);
                return;
            case 1:
                if (at < bytes.size()) {
                    bytes[at] = static_cast<char>(bytes[at] ^ (1 << in.below(8)));
                }
                return;
            case 2: {
                const std::string_view text = in.text();
                bytes.replace(at, text.size(), text);
                return;
            }
            default:
                bytes = in.text();
        }
    }

    std::string database_;
    std::string log_;
};

}  // namespace farhold::test
