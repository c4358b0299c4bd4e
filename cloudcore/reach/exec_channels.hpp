// SPDX-License-Identifier: Apache-2.0
//
// Pure: between the channels of a WebSocket, as kubectl has them for exec and attach, and the streams
// of a container runtime's SPDY connection. A message of the client's is a byte that names the channel,
// and bytes for it; in v5 the channel 255 ends the one that its next byte names.
#pragma once

#include "cloudcore/reach/node_call.hpp"
#include "common/base/error.hpp"
#include "common/spdy/session.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::reach {

class ExecChannels {
public:
    ExecChannels(const CallSubject& wanted, bool has_close_signal);

    // The runtime has all streams that the client wants; before that nothing may come from it.
    [[nodiscard]] bool ready() const { return waiting_ == 0; }

    // An error ends the session.
    Result<> from_client(std::string_view message);
    Result<> from_runtime(std::string_view bytes);
    // The runtime is gone, or cannot be understood: the client is told unless it knows the outcome.
    void broken(std::string_view why);

    // For the client, in their order.
    std::vector<std::string> take_messages();
    // For the runtime.
    std::string take_output() { return session_.take_output(); }

    // The client has been told everything.
    [[nodiscard]] bool finished() const { return finished_; }

private:
    struct Channel {
        spdy::StreamId stream = 0;
        bool wanted = false;
        bool ended = false;  // Of those that the runtime writes.
    };

    void open(std::size_t channel, std::string_view type);
    [[nodiscard]] std::optional<std::size_t> channel_of(spdy::StreamId stream) const;
    Result<> take(const spdy::Event& event);
    Result<> take_data(const spdy::StreamData& data);
    void ended(spdy::StreamId stream);
    void finish_if_all_ended();

    static constexpr std::size_t kChannels = 5;

    spdy::Session session_{spdy::Role::client};
    Channel channels_[kChannels];  // By number.
    bool has_close_signal_;
    std::size_t waiting_ = 0;  // Streams that the runtime has not accepted.
    std::string status_;       // What it has said of the outcome.
    std::vector<std::string> messages_;
    bool finished_ = false;
};

}  // namespace farhold::reach
