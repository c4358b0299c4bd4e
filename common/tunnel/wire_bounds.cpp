// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/messages.hpp"
#include "common/tunnel/wire_format.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>

namespace farhold::tunnel {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// The fields of a message beside its entries, generously: a newer peer may have more.
constexpr std::size_t kOtherFields = 100;

// Adds the fields of one message within the frame; false when it is broken or they are too many.
bool count_fields(CodedInputStream& in, std::size_t& fields) {
    std::uint32_t length = 0;
    if (!in.ReadVarint32(&length)) {
        return false;
    }
    const auto outer = in.PushLimit(static_cast<int>(length));
    while (const std::uint32_t tag = in.ReadTag()) {
        if (++fields > kItemsMax + kOtherFields || !WireFormatLite::SkipField(&in, tag)) {
            return false;
        }
    }
    const bool whole = in.BytesUntilLimit() == 0;
    in.PopLimit(outer);
    return whole;
}

}  // namespace

bool is_bounded(std::string_view bytes) {
    CodedInputStream in(
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
        reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size())
    );
    std::size_t fields = 0;
    while (const std::uint32_t tag = in.ReadTag()) {
        const bool is_message =
            WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
        if (is_message ? !count_fields(in, fields) : !WireFormatLite::SkipField(&in, tag)) {
            return false;
        }
    }
    return true;
}

}  // namespace farhold::tunnel
