// SPDX-License-Identifier: Apache-2.0
//
// Two connected stream sockets. Whoever is given one of them takes it over.
#pragma once

#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace farhold::test {

struct SocketPair {
    SocketPair() {
        std::array<int, 2> descriptors{};
        constexpr int kKind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
        if (::socketpair(AF_UNIX, kKind, 0, descriptors.data()) != 0) {
            throw std::runtime_error("socketpair");
        }
        ours = descriptors[0];
        theirs = descriptors[1];
    }

    int ours = -1;
    int theirs = -1;
};

}  // namespace farhold::test
