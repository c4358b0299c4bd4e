// SPDX-License-Identifier: Apache-2.0
#include "tests/support/link_emulator/packet_schedule.hpp"

#include <algorithm>

namespace farhold::test {

std::vector<Instant> PacketSchedule::pass(std::size_t packet_bytes, Instant now) {
    // Drawn for each packet, whatever becomes of it: so a change of one share leaves the others' draws.
    const bool lost = random_.chance(quality_.loss);
    const bool doubled = random_.chance(quality_.duplication);
    const bool held_back = random_.chance(quality_.reordering);
    const auto hold = Duration(
        static_cast<Duration::rep>(random_.unit() * static_cast<double>(kHeldBackMax.count()))
    );

    const bool too_long =
        quality_.packet_bytes_max != 0 && packet_bytes > quality_.packet_bytes_max;
    if (quality_.black_hole || lost || too_long) {
        return {};
    }
    Instant sent = now;
    if (quality_.bits_per_second != 0) {
        const auto time_of = [this](std::size_t bytes) {
            constexpr std::uint64_t kNanosecondsOfByte = 8'000'000'000;
            return Duration(
                static_cast<Duration::rep>(bytes * kNanosecondsOfByte / quality_.bits_per_second)
            );
        };
        line_free_ = std::max(line_free_, now);
        if (line_free_ - now > time_of(quality_.queue_bytes)) {
            return {};
        }
        line_free_ += time_of(packet_bytes);
        sent = line_free_;
    }
    const Instant out = sent + quality_.delay + (held_back ? hold : Duration(0));
    std::vector<Instant> copies(doubled ? 2 : 1, out);
    return copies;
}

}  // namespace farhold::test
