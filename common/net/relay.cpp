// SPDX-License-Identifier: Apache-2.0
#include "common/net/relay.hpp"

#include "common/async/timeout.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

namespace farhold::net {

namespace {

constexpr std::size_t kReadBytes = 32 << 10;

class Closer {
public:
    Closer(ByteStream& left, ByteStream& right) : left_(left), right_(right) {}
    Closer(const Closer&) = delete;
    Closer& operator=(const Closer&) = delete;
    ~Closer() {
        left_.close_now();
        right_.close_now();
    }

private:
    ByteStream& left_;
    ByteStream& right_;
};

Task<Result<>> copy(ByteStream& from, ByteStream& to, std::uint64_t& count) {
    const auto buffer = std::make_unique<std::array<char, kReadBytes>>();
    while (true) {
        const auto read = co_await from.read_some(*buffer);
        if (!read) co_return fail(read.error());
        if (*read == 0) {
            to.end_writing();
            co_return Result<>{};
        }
        count += *read;
        auto written = co_await to.write({buffer->data(), *read});
        if (!written) co_return written;
    }
}

struct Ends {
    bool one_has_ended = false;
    Result<> outcome;
};

// Returns when the relay is to end.
Task<> copy_and_wait(
    ByteStream& from, ByteStream& to, Duration grace, std::uint64_t& count, Ends& ends
) {
    auto copied = co_await copy(from, to, count);
    if (!copied) {
        ends.outcome = std::move(copied);
        co_return;
    }
    if (!std::exchange(ends.one_has_ended, true)) {
        co_await sleep_for(grace);
    }
}

}  // namespace

Task<Result<>> relay(ByteStream& left, ByteStream& right, Duration grace, RelayedBytes& relayed) {
    const Closer closer(left, right);
    Ends ends;
    co_await race(
        copy_and_wait(left, right, grace, relayed.from_left, ends),
        copy_and_wait(right, left, grace, relayed.from_right, ends)
    );
    co_return ends.outcome;
}

}  // namespace farhold::net
