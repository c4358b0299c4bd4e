// SPDX-License-Identifier: Apache-2.0
//
// Pure: how much each end of a tunnel has sent and received, by the kind of message. Bytes are those
// of the WebSocket messages, without the framing of WebSocket, TLS and TCP.
#pragma once

#include "common/tunnel/messages.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace farhold::tunnel {

struct Volume {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

class Traffic {
public:
    void count(const Message& message, std::size_t bytes) {
        Volume& volume = by_kind_.at(message.index());
        ++volume.messages;
        volume.bytes += bytes;
    }
    void add(const Traffic& other) {
        for (std::size_t kind = 0; kind < by_kind_.size(); ++kind) {
            by_kind_[kind].messages += other.by_kind_[kind].messages;
            by_kind_[kind].bytes += other.by_kind_[kind].bytes;
        }
    }

    // By the index of the kind in Message.
    [[nodiscard]] const std::array<Volume, kMessageKinds>& by_kind() const { return by_kind_; }

private:
    std::array<Volume, kMessageKinds> by_kind_{};
};

}  // namespace farhold::tunnel
