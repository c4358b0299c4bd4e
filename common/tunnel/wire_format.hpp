// SPDX-License-Identifier: Apache-2.0
//
// Pure: messages as protobuf, for frame.cpp alone; nobody else includes the generated code.
#pragma once

#include "common/base/error.hpp"
#include "common/tunnel/messages.hpp"
#include "proto/farhold/tunnel/v1/tunnel.pb.h"

#include <optional>

namespace farhold::tunnel {

namespace wire = farhold::tunnel::v1;

// The frame without its number.
wire::Frame to_wire(const Message& message);

// Takes the texts out of the frame. Always a message or an error; optional as FrameReader wants it.
Result<std::optional<Message>> from_wire(wire::Frame& frame);

}  // namespace farhold::tunnel
