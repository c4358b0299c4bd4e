// SPDX-License-Identifier: Apache-2.0
//
// A stream of which the first bytes have been read already. Internal to common/net.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/net/byte_stream.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::net {

class ResumedStream final : public ByteStream {
public:
    ResumedStream(std::unique_ptr<ByteStream> stream, std::string unread)
        : stream_(std::move(stream)), unread_(std::move(unread)) {}

    Task<Result<std::size_t>> read_some(std::span<char> into) override {
        if (unread_.empty()) {
            co_return co_await stream_->read_some(into);
        }
        const std::size_t count = std::min(into.size(), unread_.size());
        std::copy_n(unread_.begin(), count, into.begin());
        unread_.erase(0, count);
        co_return count;
    }
    Task<Result<void>> write(std::string_view bytes) override {
        co_return co_await stream_->write(bytes);
    }
    void end_writing() override { stream_->end_writing(); }
    void close_now() override { stream_->close_now(); }
    const PeerIdentity& peer() const override { return stream_->peer(); }

private:
    std::unique_ptr<ByteStream> stream_;
    std::string unread_;
};

}  // namespace farhold::net
