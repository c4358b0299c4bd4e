// SPDX-License-Identifier: Apache-2.0
//
// A fuzzer's bytes as decisions. When they are used up every number is 0 and every text empty, so a
// target that loops asks at_end().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::test {

class FuzzInput {
public:
    FuzzInput(const std::uint8_t* data, std::size_t size)
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
        : rest_(reinterpret_cast<const char*>(data), size) {}

    bool at_end() const { return rest_.empty(); }

    std::uint8_t byte() {
        const auto taken = bytes(1);
        return taken.empty() ? 0 : static_cast<std::uint8_t>(taken.front());
    }
    bool flag() { return (byte() & 1U) != 0; }
    // At most 255 choices.
    std::size_t below(std::size_t count) { return byte() % count; }
    // A small number as a rule, any number now and then.
    std::uint64_t number() {
        const std::uint8_t first = byte();
        if (first < 0xf0) {
            return first;
        }
        std::uint64_t whole = 0;
        for (const char c : bytes(8)) {
            whole = whole << 8U | static_cast<std::uint8_t>(c);
        }
        return whole;
    }
    // A byte of length, then the text.
    std::string_view text() { return bytes(byte()); }
    std::string_view bytes(std::size_t count) {
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    // Up to the next line break, which is left out.
    std::string_view line() {
        const auto taken = rest_.substr(0, rest_.find('\n'));
        rest_.remove_prefix(std::min(taken.size() + 1, rest_.size()));
        return taken;
    }
    std::string_view rest() { return bytes(rest_.size()); }

private:
    std::string_view rest_;
};

}  // namespace farhold::test
