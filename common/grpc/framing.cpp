// SPDX-License-Identifier: Apache-2.0
#include "common/grpc/framing.hpp"

#include "common/base/ensure.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace farhold::grpc {

std::string frame_message(std::string_view message) {
    ensure(message.size() <= std::numeric_limits<std::uint32_t>::max(), "a message below 4 GiB");
    const auto size = static_cast<std::uint32_t>(message.size());
    std::string framed(1, '\0');
    framed.reserve(message.size() + 1 + sizeof(size));
    for (const int shift : {24, 16, 8, 0}) {
        framed += static_cast<char>((size >> shift) & 0xFFU);
    }
    framed += message;
    return framed;
}

Result<void> MessageAssembler::begin_message() {
    if (prefix_[0] != '\0') {
        return fail(ErrorCode::unsupported, "gRPC: the peer sent a compressed message");
    }
    wanted_ = 0;
    for (const char byte : std::string_view(prefix_).substr(1)) {
        wanted_ = (wanted_ << 8U) | static_cast<unsigned char>(byte);
    }
    if (wanted_ > max_) {
        return fail(
            ErrorCode::resource_exhausted, "gRPC: a message of " + std::to_string(wanted_) +
                                               " bytes is over the limit of " + std::to_string(max_)
        );
    }
    return {};
}

Result<void> MessageAssembler::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (prefix_.size() < kPrefixBytes) {
            const auto part = bytes.substr(0, kPrefixBytes - prefix_.size());
            prefix_ += part;
            bytes.remove_prefix(part.size());
            if (prefix_.size() < kPrefixBytes) {
                return {};
            }
            const auto begun = begin_message();
            if (!begun) {
                return begun;
            }
        }
        const auto part = bytes.substr(0, wanted_ - partial_.size());
        partial_ += part;
        bytes.remove_prefix(part.size());
        if (partial_.size() == wanted_) {
            messages_.push_back(std::exchange(partial_, {}));
            prefix_.clear();
        }
    }
    return {};
}

std::optional<std::string> MessageAssembler::take() {
    if (messages_.empty()) {
        return std::nullopt;
    }
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    return message;
}

}  // namespace farhold::grpc
