// SPDX-License-Identifier: Apache-2.0
#include "common/streams/stream_class.hpp"

#include "common/streams/stream_frame.hpp"

namespace farhold::streams {

std::string_view to_string(StreamClass cls) {
    switch (cls) {
        case StreamClass::interactive:
            return "interactive";
        case StreamClass::bulk:
            return "bulk";
    }
    return "unknown";
}

const StreamLimits& limits_of(StreamClass cls) {
    static constexpr StreamLimits kInteractive = {
        .window = 128UZ << 10U, .unsent = 32UZ << 10U, .data = 8UZ << 10U, .streams = 256
    };
    static constexpr StreamLimits kBulk = {
        .window = 1UZ << 20U, .unsent = 128UZ << 10U, .data = kDataBytesMax, .streams = 256
    };
    return cls == StreamClass::bulk ? kBulk : kInteractive;
}

}  // namespace farhold::streams
