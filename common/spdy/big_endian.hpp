// SPDX-License-Identifier: Apache-2.0
//
// Pure: numbers as SPDY writes them. Internal to common/spdy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::spdy {

inline void append_u32(std::string& bytes, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<char>(number >> static_cast<unsigned>(shift)));
    }
}

// Reads beyond the end as zeros, and remembers that it did.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    std::uint32_t u32() {
        std::uint32_t number = 0;
        for (const char byte : take(4)) {
            number = number << 8U | static_cast<unsigned char>(byte);
        }
        return number;
    }
    // Its length, then itself.
    std::string_view text() { return take(u32()); }
    std::string_view take(std::size_t count) {
        if (rest_.size() < count) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    std::string_view rest() const { return rest_; }

    bool failed() const { return failed_; }
    bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
    bool failed_ = false;
};

}  // namespace farhold::spdy
