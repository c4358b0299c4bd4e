// SPDX-License-Identifier: Apache-2.0
#include "tests/support/link_emulator/link_emulator.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

namespace farhold::test {

namespace {

constexpr std::size_t kPacketBytesMax = 4096;
constexpr auto kDevice = "line0";

[[noreturn]] void throw_system_error(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

Instant now() {
    return SystemClock().now().mono;
}

// A TUN device in the namespace; the descriptor works from everywhere.
int open_tunnel(const NetworkNamespace& space, const std::vector<std::string>& addresses) {
    int tunnel = -1;
    space.inside([&tunnel] {
        tunnel = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (tunnel < 0) {
            throw_system_error("open /dev/net/tun");
        }
        ::ifreq request{};
        std::strncpy(request.ifr_name, kDevice, IFNAMSIZ - 1);
        request.ifr_flags = IFF_TUN | IFF_NO_PI;
        if (::ioctl(tunnel, TUNSETIFF, &request) != 0) {
            throw_system_error("make a TUN device");
        }
    });
    // IPv6 would send packets of its own, which take draws from the seed.
    space.run({"sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1"});
    for (const auto& address : addresses) {
        space.ip({"address", "add", address + "/24", "dev", kDevice});
    }
    space.ip({"link", "set", kDevice, "up"});
    return tunnel;
}

}  // namespace

LinkEmulator::LinkEmulator(std::uint64_t seed)
    : edge_("e"),
      cloud_("c"),
      directions_{Direction{PacketSchedule(seed), {}}, Direction{PacketSchedule(~seed), {}}} {
    tunnels_[0] = open_tunnel(edge_, {kEdgeAddress, kStrangerAddress});
    tunnels_[1] = open_tunnel(cloud_, {kCloudAddress});
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    if (wake_ < 0) {
        throw_system_error("eventfd");
    }
    thread_ = std::thread([this] { carry(); });
}

LinkEmulator::~LinkEmulator() {
    ::eventfd_write(wake_, 1);
    thread_.join();
    for (const int descriptor : {wake_, tunnels_[0], tunnels_[1]}) {
        ::close(descriptor);
    }
}

void LinkEmulator::set(std::size_t direction, LinkQuality quality) {
    const std::scoped_lock lock(mutex_);
    directions_.at(direction).schedule.set(quality);
}

void LinkEmulator::set_both(LinkQuality quality) {
    set_forward(quality);
    set_backward(quality);
}

void LinkEmulator::set_down(bool down) {
    edge_.ip({"link", "set", kDevice, down ? "down" : "up"});
}

LinkTraffic LinkEmulator::traffic(std::size_t direction) const {
    const std::scoped_lock lock(mutex_);
    return directions_.at(direction).traffic;
}

void LinkEmulator::carry() {
    for (;;) {
        std::array<::pollfd, 3> ready{
            ::pollfd{tunnels_[0], POLLIN, 0}, ::pollfd{tunnels_[1], POLLIN, 0},
            ::pollfd{wake_, POLLIN, 0}
        };
        ::poll(ready.data(), ready.size(), wait_ms());
        if (ready[2].revents != 0) {
            return;
        }
        for (std::size_t from = 0; from < tunnels_.size(); ++from) {
            take_in(from);
        }
        deliver_due();
    }
}

int LinkEmulator::wait_ms() const {
    if (under_way_.empty()) {
        return -1;
    }
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(under_way_.top().due - now());
    return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 1000));
}

void LinkEmulator::take_in(std::size_t from) {
    std::array<char, kPacketBytesMax> buffer{};
    // A device that is down has nothing to read; it is polled all the same, and may come up again.
    for (;;) {
        const ssize_t count = ::read(tunnels_.at(from), buffer.data(), buffer.size());
        if (count <= 0) {
            return;
        }
        const auto size = static_cast<std::size_t>(count);
        const std::scoped_lock lock(mutex_);
        Direction& direction = directions_.at(from);
        const auto copies = direction.schedule.pass(size, now());
        ++direction.traffic.packets;
        direction.traffic.bytes += size;
        direction.traffic.lost += copies.empty() ? 1 : 0;
        for (const Instant due : copies) {
            under_way_.push({due, number_++, 1 - from, {buffer.data(), buffer.data() + size}});
        }
    }
}

void LinkEmulator::deliver_due() {
    while (!under_way_.empty() && under_way_.top().due <= now()) {
        const UnderWay& packet = under_way_.top();
        // A device that is down or full loses it, as a real one would.
        [[maybe_unused]] const ssize_t ignored =
            ::write(tunnels_.at(packet.to), packet.packet.data(), packet.packet.size());
        under_way_.pop();
    }
}

}  // namespace farhold::test
