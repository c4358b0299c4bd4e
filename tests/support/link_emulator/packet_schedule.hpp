// SPDX-License-Identifier: Apache-2.0
//
// Pure: one direction of a bad line. Given a packet and the time it says when the packet comes out at
// the far end, or that it never does. All chance comes from the seed, so the same packets at the same
// times have the same fate.
#pragma once

#include "common/base/random.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace farhold::test {

struct LinkQuality {
    Duration delay{};
    double loss = 0;         // Share of packets, 0 to 1.
    double duplication = 0;  // Share of packets that come twice.
    // Share of packets that are held back for up to kHeldBackMax more, so that others overtake them.
    double reordering = 0;
    std::uint64_t bits_per_second = 0;      // 0: as fast as it comes.
    std::size_t queue_bytes = 64UZ << 10U;  // Before the slow part; what does not fit is lost.
    // Packets longer than this vanish and nobody is told; 0: all sizes pass.
    std::size_t packet_bytes_max = 0;
    bool black_hole = false;
};

class PacketSchedule {
public:
    static constexpr Duration kHeldBackMax = std::chrono::milliseconds(50);

    explicit PacketSchedule(std::uint64_t seed) : random_(seed) {}

    // For packets from now on; those under way keep their time.
    void set(LinkQuality quality) { quality_ = quality; }

    // When the copies of the packet come out. `now` never goes back.
    std::vector<Instant> pass(std::size_t packet_bytes, Instant now);

private:
    LinkQuality quality_;
    Random random_;
    Instant line_free_{};  // When the slow part has sent all that waits for it.
};

}  // namespace farhold::test
