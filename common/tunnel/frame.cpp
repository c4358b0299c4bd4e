// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/frame.hpp"

#include "common/tunnel/wire_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::tunnel {

std::vector<std::string> FrameWriter::write(const Message& message) {
    wire::Frame frame = to_wire(message);
    std::vector<std::string> out;
    frame.set_number(number_ + 1);
    std::string bytes = frame.SerializeAsString();
    if (bytes.size() <= kFragmentBytes) {
        ++number_;
        out.push_back(std::move(bytes));
        return out;
    }
    frame.clear_number();
    bytes = frame.SerializeAsString();
    for (std::size_t offset = 0; offset < bytes.size(); offset += kFragmentBytes) {
        wire::Frame piece;
        piece.set_number(++number_);
        piece.mutable_fragment()->set_data(bytes.substr(offset, kFragmentBytes));
        piece.mutable_fragment()->set_last(bytes.size() - offset <= kFragmentBytes);
        out.push_back(piece.SerializeAsString());
    }
    return out;
}

Result<std::optional<Message>> FrameReader::read(std::string_view bytes) {
    if (bytes.size() > kWireBytesMax) {
        return fail(ErrorCode::resource_exhausted, "frame too long");
    }
    wire::Frame frame;
    if (!is_bounded(bytes) || !frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return fail(ErrorCode::invalid_argument, "not a frame, or one with too many entries");
    }
    if (frame.number() != number_ + 1) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("frame {} came where {} was due", frame.number(), number_ + 1)
        );
    }
    ++number_;
    if (!frame.has_fragment()) {
        if (fragmented_) {
            return fail(ErrorCode::invalid_argument, "a frame between fragments");
        }
        return from_wire(frame);
    }
    fragmented_ = true;
    if (partial_.size() + frame.fragment().data().size() > kFrameBytesMax) {
        return fail(ErrorCode::resource_exhausted, "fragmented frame too long");
    }
    partial_ += frame.fragment().data();
    if (!frame.fragment().last()) {
        return std::nullopt;
    }
    wire::Frame whole;
    const bool parsed = is_bounded(partial_) && whole.ParseFromString(partial_);
    std::string().swap(partial_);  // Gives the memory back: long frames are rare.
    fragmented_ = false;
    if (!parsed || whole.has_fragment()) {
        return fail(ErrorCode::invalid_argument, "fragments that are not a frame");
    }
    return from_wire(whole);
}

}  // namespace farhold::tunnel
