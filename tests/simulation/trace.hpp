// SPDX-License-Identifier: Apache-2.0
//
// What happened, line by line: hashed always (two runs of one seed must agree), printed on request.
#pragma once

#include "common/base/time.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace farhold::simulation {

class Trace {
public:
    explicit Trace(bool print) : print_(print) {}

    template <class... Args>
    void line(Instant now, fmt::format_string<Args...> format, Args&&... args) {
        buffer_.clear();
        fmt::format_to(
            std::back_inserter(buffer_), "{:.3f} ",
            std::chrono::duration<double>(now.time_since_epoch()).count()
        );
        fmt::format_to(std::back_inserter(buffer_), format, std::forward<Args>(args)...);
        buffer_.push_back('\n');
        for (const char c : buffer_) {  // FNV-1a.
            hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211U;
        }
        if (print_) {
            fmt::print("{}", std::string_view(buffer_.data(), buffer_.size()));
        }
    }

    [[nodiscard]] std::uint64_t hash() const { return hash_; }

private:
    bool print_;
    fmt::memory_buffer buffer_;
    std::uint64_t hash_ = 14695981039346656037U;
};

}  // namespace farhold::simulation
