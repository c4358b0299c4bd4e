// SPDX-License-Identifier: Apache-2.0
//
// Pure: messages in a stream of bytes: a byte (compressed or not), four bytes of length, the message.
#pragma once

#include "common/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::grpc {

// The message must be shorter than 4 GiB.
std::string frame_message(std::string_view message);

class MessageAssembler {
public:
    explicit MessageAssembler(std::size_t message_bytes_max) : max_(message_bytes_max) {}

    // resource_exhausted: a message over the limit, known from its length alone. unsupported: a
    // compressed one, which we never ask for. After an error it is not to be fed again.
    Result<void> feed(std::string_view bytes);

    std::optional<std::string> take();
    // Complete messages that were not taken yet.
    std::size_t size() const { return messages_.size(); }
    // Part of a message has come and is waiting for the rest.
    bool has_partial() const { return prefix_.size() + partial_.size() > 0; }

private:
    static constexpr std::size_t kPrefixBytes = 5;

    Result<void> begin_message();

    std::size_t max_;
    std::string prefix_;
    std::size_t wanted_ = 0;  // Of the message whose prefix is complete.
    std::string partial_;
    std::deque<std::string> messages_;
};

}  // namespace farhold::grpc
