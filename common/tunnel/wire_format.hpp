// SPDX-License-Identifier: Apache-2.0
//
// Pure: messages as protobuf, for frame.cpp alone; nobody else includes the generated code.
#pragma once

#include "common/base/error.hpp"
#include "common/tunnel/messages.hpp"
#include "proto/farhold/tunnel/v1/tunnel.pb.h"

#include <optional>
#include <string_view>

namespace farhold::tunnel {

namespace wire = farhold::tunnel::v1;

// The frame without its number.
wire::Frame to_wire(const Message& message);

// Whether a frame is worth parsing: two bytes of it can be an entry that takes hundreds in memory, so
// entries are counted before any is made. False as well when it is no frame.
bool is_bounded(std::string_view bytes);

// Takes the texts out of the frame. Always a message or an error; optional as FrameReader wants it.
Result<std::optional<Message>> from_wire(wire::Frame& frame);

}  // namespace farhold::tunnel
