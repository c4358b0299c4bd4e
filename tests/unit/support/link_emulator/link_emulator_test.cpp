// SPDX-License-Identifier: Apache-2.0
#include "tests/support/link_emulator/link_emulator.hpp"

#include "tests/support/catch.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>

using namespace farhold;
using namespace farhold::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t kPort = 7;  // Of a namespace where nobody else is.

// Datagrams from the edge to the cloud.
class Datagrams {
public:
    explicit Datagrams(const LinkEmulator& line) {
        line.cloud().inside([this] {
            receiver_ = ::socket(AF_INET, SOCK_DGRAM, 0);
            const auto address = to_address(LinkEmulator::kCloudAddress);
            ::bind(receiver_, reinterpret_cast<const ::sockaddr*>(&address), sizeof address);
        });
        line.edge().inside([this] { sender_ = ::socket(AF_INET, SOCK_DGRAM, 0); });
    }
    Datagrams(const Datagrams&) = delete;
    Datagrams& operator=(const Datagrams&) = delete;
    ~Datagrams() {
        ::close(receiver_);
        ::close(sender_);
    }

    bool send(std::size_t bytes) const {
        const std::string text(bytes, 'x');
        const auto address = to_address(LinkEmulator::kCloudAddress);
        return ::sendto(
                   sender_, text.data(), text.size(), 0,
                   reinterpret_cast<const ::sockaddr*>(&address), sizeof address
               ) == static_cast<ssize_t>(bytes);
    }

    // How many come until none has come for that long.
    int receive(std::chrono::milliseconds patience) const {
        int count = 0;
        ::pollfd ready{receiver_, POLLIN, 0};
        while (::poll(&ready, 1, static_cast<int>(patience.count())) == 1) {
            std::array<char, 2048> buffer{};
            ::recv(receiver_, buffer.data(), buffer.size(), 0);
            ++count;
        }
        return count;
    }

private:
    static ::sockaddr_in to_address(const char* text) {
        ::sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(kPort);
        ::inet_pton(AF_INET, text, &address.sin_addr);
        return address;
    }

    int receiver_ = -1;
    int sender_ = -1;
};

}  // namespace

TEST_CASE("link_emulator: carries, delays, loses and cuts as it is told", "[link_emulator]") {
    LinkEmulator line(11);
    const Datagrams datagrams(line);
    REQUIRE(datagrams.send(100));
    CHECK(datagrams.receive(300ms) == 1);

    line.set_forward({.delay = 200ms});
    const auto sent = std::chrono::steady_clock::now();
    REQUIRE(datagrams.send(100));
    CHECK(datagrams.receive(1000ms) == 1);
    CHECK(std::chrono::steady_clock::now() - sent >= 1200ms);

    line.set_forward({.packet_bytes_max = 1300});
    REQUIRE(datagrams.send(1300 - 28));
    REQUIRE(datagrams.send(1301 - 28));
    CHECK(datagrams.receive(300ms) == 1);

    line.set_forward({.loss = 0.5});
    for (int i = 0; i < 200; ++i) REQUIRE(datagrams.send(100));
    const int came = datagrams.receive(300ms);
    CHECK(came > 60);
    CHECK(came < 140);

    line.set_forward({.black_hole = true});
    REQUIRE(datagrams.send(100));
    CHECK(datagrams.receive(300ms) == 0);

    line.set_forward({});
    line.set_down(true);
    CHECK_FALSE(datagrams.send(100));
    line.set_down(false);
    REQUIRE(datagrams.send(100));
    CHECK(datagrams.receive(300ms) == 1);
    CHECK(line.forward().lost >= 60);
}
