// SPDX-License-Identifier: Apache-2.0
//
// Connections between machines and hubs. A connection carries messages in order, as a WebSocket
// does, unless the faults say otherwise: then messages are lost, doubled or overtaken, which the
// frame numbers must find out. A cut is seen by both ends; a half-open connection by none.
#pragma once

#include "world.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace farhold::simulation {

// One end, as the other side of the network calls it.
struct Endpoint {
    std::function<void(std::string bytes)> received;
    std::function<void(std::string reason)> closed;
};

enum class Side : std::uint8_t { machine = 0, hub = 1 };

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(World& world, std::string name);

    void attach(Side side, Endpoint endpoint) { ends_[index(side)] = std::move(endpoint); }
    // Bytes from that side to the other.
    void send(Side from, std::string bytes);
    // That side drops the connection; the other hears of it, if anything still goes through.
    void close(Side from, const std::string& reason);
    // That side has died without a word: its kernel closes for it.
    void die(Side side) { close(side, "connection reset"); }

    // Starts what may befall it.
    void expose();

private:
    static std::size_t index(Side side) { return static_cast<std::size_t>(side); }
    static Side other(Side side) { return side == Side::hub ? Side::machine : Side::hub; }
    void deliver(Side to, std::string bytes);
    void tell_closed(Side to, const std::string& reason);
    void cut();
    void half_open();

    World& world_;
    std::string name_;
    std::array<Endpoint, 2> ends_;
    std::array<bool, 2> open_{true, true};
    std::array<bool, 2> silent_{};  // Nothing gets through to that side any more.
    std::array<Instant, 2> last_arrival_{};
    std::array<std::size_t, 2> frames_under_way_{};
    std::array<std::size_t, 2> bytes_under_way_{};
};

}  // namespace farhold::simulation
