// SPDX-License-Identifier: Apache-2.0
//
// Pure: how many connections a server bears, and how many of them from people it does not know.
// Internal to common/net.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace farhold::net {

class Admission {
public:
    struct Limits {
        std::size_t connections;
        std::size_t anonymous;
        std::size_t anonymous_per_address;
    };

    explicit Admission(Limits limits) : limits_(limits) {}

    // What a newcomer meets: room; too many unknown ones, of its own address or in all, one of whom
    // may be sent away for it; or too many connections.
    enum class Room : unsigned char { free, crowded_address, crowded, full };
    Room room_for(const std::string& address) const;

    // A new connection, which is anonymous.
    void enter(const std::string& address);

    // It has shown a certificate.
    void identified(const std::string& address);

    void left(bool was_identified, const std::string& address);

private:
    Limits limits_;
    std::size_t connections_ = 0;
    std::size_t anonymous_ = 0;
    std::map<std::string, std::size_t> anonymous_by_address_;
};

}  // namespace farhold::net
