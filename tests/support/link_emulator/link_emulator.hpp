// SPDX-License-Identifier: Apache-2.0
//
// A line between two hosts that a test can make as bad as it likes: two network namespaces, each
// with one end of a point-to-point line (a TUN device: IP, no Ethernet, so no ARP that could fail
// instead of the line), and a thread that carries the packets as packet_schedule says. It needs no
// netem. Everything is removed by the destructor.
#pragma once

#include "common/base/time.hpp"
#include "tests/support/link_emulator/network_namespace.hpp"
#include "tests/support/link_emulator/packet_schedule.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

namespace farhold::test {

// Of one direction, since the beginning.
struct LinkTraffic {
    std::uint64_t packets = 0;  // That went in.
    std::uint64_t bytes = 0;    // Of those, with their IP headers.
    std::uint64_t lost = 0;
};

class LinkEmulator {
public:
    static constexpr auto kEdgeAddress = "10.9.0.2";
    // A second one, for peers that are not the machine.
    static constexpr auto kStrangerAddress = "10.9.0.66";
    static constexpr auto kCloudAddress = "10.9.0.1";

    explicit LinkEmulator(std::uint64_t seed);
    LinkEmulator(const LinkEmulator&) = delete;
    LinkEmulator& operator=(const LinkEmulator&) = delete;
    ~LinkEmulator();

    const NetworkNamespace& edge() const { return edge_; }
    const NetworkNamespace& cloud() const { return cloud_; }

    // From the edge to the cloud, and back; in force when they return.
    void set_forward(LinkQuality quality) { set(0, quality); }
    void set_backward(LinkQuality quality) { set(1, quality); }
    void set_both(LinkQuality quality);

    // The edge's interface itself: down, sends fail at once, unlike in a black hole.
    void set_down(bool down);

    LinkTraffic forward() const { return traffic(0); }
    LinkTraffic backward() const { return traffic(1); }

private:
    struct UnderWay {
        Instant due;
        std::uint64_t number;  // Frames that are due at once keep their order.
        std::size_t to;
        std::vector<char> packet;

        bool operator>(const UnderWay& other) const {
            return due != other.due ? due > other.due : number > other.number;
        }
    };
    struct Direction {
        PacketSchedule schedule;
        LinkTraffic traffic;
    };

    void set(std::size_t direction, LinkQuality quality);
    LinkTraffic traffic(std::size_t direction) const;
    void carry();
    void take_in(std::size_t from);
    void deliver_due();
    int wait_ms() const;

    NetworkNamespace edge_;
    NetworkNamespace cloud_;
    std::array<int, 2> tunnels_{-1, -1};
    int wake_ = -1;  // An eventfd that ends the thread.

    mutable std::mutex mutex_;  // Of the directions.
    std::array<Direction, 2> directions_;

    // The thread's own.
    std::priority_queue<UnderWay, std::vector<UnderWay>, std::greater<>> under_way_;
    std::uint64_t number_ = 0;
    std::thread thread_;
};

}  // namespace farhold::test
