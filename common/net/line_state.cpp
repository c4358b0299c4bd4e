// SPDX-License-Identifier: Apache-2.0
#include "common/net/line_state.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace farhold::net {

LineState line_state_of(int socket) {
    LineState state;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
        state.rtt = std::chrono::microseconds(info.tcpi_rtt);
        // It is all ones as long as nothing was measured.
        state.rtt_min = std::chrono::microseconds(std::min(info.tcpi_min_rtt, info.tcpi_rtt));
        const std::uint64_t settled = std::uint64_t{info.tcpi_sacked} + info.tcpi_lost;
        const std::uint64_t sent = std::uint64_t{info.tcpi_unacked} + info.tcpi_retrans;
        const std::uint64_t packets = sent - std::min(sent, settled);
        state.bytes_under_way = packets * info.tcpi_snd_mss + info.tcpi_notsent_bytes;
    }
    return state;
}

}  // namespace farhold::net
