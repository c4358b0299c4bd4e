// SPDX-License-Identifier: Apache-2.0
#include "common/streams/stream_samples.hpp"

#include <string>

namespace farhold::streams {

void collect_streams(metrics::Samples& samples, const ClassCounters& counters) {
    using metrics::number;
    auto& open = samples.gauge("farhold_streams", "Streams through the tunnel that are open.");
    auto& opened = samples.counter("farhold_streams_opened_total", "Streams opened.");
    auto& ended = samples.counter("farhold_streams_ended_total", "Streams that ended, by how.");
    auto& bytes = samples.counter("farhold_stream_bytes_total", "Bytes of streams.");
    for (std::size_t index = 0; index < kStreamClasses; ++index) {
        const StreamCounters& one = counters.at(index);
        const std::string cls(to_string(static_cast<StreamClass>(index)));
        open.add(number(one.open()), {{"class", cls}});
        opened.add(number(one.opened), {{"class", cls}});
        for (std::size_t kind = 0; kind < kEndKinds; ++kind) {
            const std::string how(to_string(static_cast<EndKind>(kind)));
            ended.add(number(one.ended.at(kind)), {{"class", cls}, {"how", how}});
        }
        bytes.add(number(one.bytes_sent), {{"class", cls}, {"direction", "sent"}});
        bytes.add(number(one.bytes_received), {{"class", cls}, {"direction", "received"}});
    }
}

}  // namespace farhold::streams
