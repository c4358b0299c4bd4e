// SPDX-License-Identifier: Apache-2.0
//
// Pure: bytes that wait, in pieces of about a frame, so that neither end is moved about and many small
// pieces take no more memory than their bytes.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>

namespace farhold::streams {

class ByteQueue {
public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    void append(std::string bytes);
    // Moves the first bytes out; how many.
    std::size_t take(std::span<char> into);
    // At least one if there is one, at most that many.
    std::string take_piece(std::size_t bytes_max);
    void clear();

private:
    std::deque<std::string> pieces_;
    std::size_t taken_ = 0;  // Of the first piece.
    std::size_t size_ = 0;
};

}  // namespace farhold::streams
