// SPDX-License-Identifier: Apache-2.0
#include "common/streams/byte_queue.hpp"

#include "common/streams/stream_frame.hpp"

#include <algorithm>
#include <utility>

namespace farhold::streams {

void ByteQueue::append(std::string bytes) {
    if (bytes.empty()) return;
    size_ += bytes.size();
    if (!pieces_.empty() && pieces_.back().size() + bytes.size() <= kDataBytesMax) {
        pieces_.back() += bytes;
    } else {
        pieces_.push_back(std::move(bytes));
    }
}

std::size_t ByteQueue::take(std::span<char> into) {
    std::size_t count = 0;
    while (count < into.size() && size_ > 0) {
        const std::string& first = pieces_.front();
        const std::size_t some = std::min(into.size() - count, first.size() - taken_);
        std::copy_n(first.data() + taken_, some, into.data() + count);
        count += some;
        taken_ += some;
        size_ -= some;
        if (taken_ == first.size()) {
            pieces_.pop_front();
            taken_ = 0;
        }
    }
    return count;
}

std::string ByteQueue::take_piece(std::size_t bytes_max) {
    if (size_ == 0) return {};
    std::string& first = pieces_.front();
    if (taken_ == 0 && first.size() <= bytes_max) {
        std::string piece = std::move(first);
        pieces_.pop_front();
        size_ -= piece.size();
        return piece;
    }
    std::string piece(std::min(bytes_max, first.size() - taken_), '\0');
    take(piece);
    return piece;
}

void ByteQueue::clear() {
    *this = {};
}

}  // namespace farhold::streams
