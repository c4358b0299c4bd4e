// SPDX-License-Identifier: Apache-2.0
#include "common/streams/stream_counters.hpp"

#include <numeric>

namespace farhold::streams {

std::string_view to_string(EndKind kind) {
    switch (kind) {
        case EndKind::finished:
            return "finished";
        case EndKind::given_up:
            return "given_up";
        case EndKind::reset:
            return "reset";
        case EndKind::refused:
            return "refused";
        case EndKind::connection_lost:
            return "connection_lost";
    }
    return "unknown";
}

std::uint64_t StreamCounters::open() const {
    return opened - std::accumulate(ended.begin(), ended.end(), std::uint64_t{0});
}

void StreamCounters::add(const StreamCounters& other) {
    opened += other.opened;
    for (std::size_t kind = 0; kind < kEndKinds; ++kind) ended[kind] += other.ended[kind];
    bytes_sent += other.bytes_sent;
    bytes_received += other.bytes_received;
}

}  // namespace farhold::streams
