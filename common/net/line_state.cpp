// SPDX-License-Identifier: Apache-2.0
#include "common/net/line_state.hpp"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

namespace farhold::net {

LineState line_state_of(int socket) {
    LineState state;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
        state.rtt = std::chrono::microseconds(info.tcpi_rtt);
        // It is all ones as long as nothing was measured.
        state.rtt_min = std::chrono::microseconds(std::min(info.tcpi_min_rtt, info.tcpi_rtt));
    }
    int waiting = 0;
    if (::ioctl(socket, SIOCOUTQ, &waiting) == 0) {
        state.unacknowledged_bytes = static_cast<std::size_t>(waiting);
    }
    return state;
}

}  // namespace farhold::net
