// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/traffic_samples.hpp"

namespace farhold::tunnel {

void collect_traffic(
    metrics::Samples& samples, const std::string& prefix, const Traffic& sent,
    const Traffic& received
) {
    metrics::Family& bytes = samples.counter(
        prefix + "_bytes_total", "Bytes of messages, without WebSocket, TLS and TCP framing."
    );
    metrics::Family& messages =
        samples.counter(prefix + "_messages_total", "Messages by their kind.");
    const auto add = [&](const char* direction, const Traffic& traffic) {
        for (std::size_t kind = 0; kind < kMessageKinds; ++kind) {
            const Volume& volume = traffic.by_kind().at(kind);
            if (volume.messages == 0) continue;  // Most kinds go one way only.
            const metrics::Labels labels = {
                {"direction", direction}, {"kind", std::string(name_of_kind(kind))}
            };
            bytes.add(metrics::number(volume.bytes), labels);
            messages.add(metrics::number(volume.messages), labels);
        }
    };
    add("sent", sent);
    add("received", received);
}

}  // namespace farhold::tunnel
