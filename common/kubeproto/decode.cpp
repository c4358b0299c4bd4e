// SPDX-License-Identifier: Apache-2.0
#include "common/kubeproto/decode.hpp"

#include "common/base/encoding.hpp"
#include "common/base/time.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>

#include <bit>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace farhold::kubeproto {

namespace {

using google::protobuf::io::CodedInputStream;
using kubeschema::Field;
using kubeschema::FieldKind;
using kubeschema::FieldShape;
using kubeschema::MessageType;

constexpr std::string_view kMagic("k8s\0", 4);
// Deeper than any built-in kind; everything that walks the result recurses this deep.
constexpr int kDepthMax = 40;

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// One field as it stands on the wire.
struct Item {
    std::uint32_t number = 0;
    Wire wire = Wire::varint;
    std::uint64_t integer = 0;
    std::string_view bytes;
};

// Walks the fields of one message without copying.
class Reader {
public:
    explicit Reader(std::string_view raw)
        : raw_(raw),
          stream_(reinterpret_cast<const std::uint8_t*>(raw.data()), static_cast<int>(raw.size())) {
    }

    // False at the end and when the bytes are damaged; failed() tells which.
    bool next(Item& item) {
        const std::uint32_t tag = stream_.ReadTag();
        if (tag == 0) {
            failed_ = stream_.CurrentPosition() != static_cast<int>(raw_.size());
            return false;
        }
        item.number = tag >> 3U;
        item.wire = static_cast<Wire>(tag & 7U);
        failed_ = !read_value(item);
        return !failed_;
    }

    [[nodiscard]] bool failed() const { return failed_; }

private:
    bool read_value(Item& item) {
        switch (item.wire) {
            case Wire::varint:
                return stream_.ReadVarint64(&item.integer);
            case Wire::fixed64:
                return stream_.ReadLittleEndian64(&item.integer);
            case Wire::fixed32: {
                std::uint32_t value = 0;
                const bool read = stream_.ReadLittleEndian32(&value);
                item.integer = value;
                return read;
            }
            case Wire::bytes: {
                std::uint32_t length = 0;
                if (!stream_.ReadVarint32(&length)) return false;
                const auto start = static_cast<std::size_t>(stream_.CurrentPosition());
                if (length > raw_.size() - start) return false;
                item.bytes = raw_.substr(start, length);
                return stream_.Skip(static_cast<int>(length));
            }
        }
        return false;
    }

    std::string_view raw_;
    CodedInputStream stream_;
    bool failed_ = false;
};

Error damaged(std::string_view where) {
    return {ErrorCode::invalid_argument, fmt::format("{}: not a protobuf message", where)};
}

// The messages that hold one value: {seconds, nanos}, {string}, {raw}, {type, intVal, strVal}.
struct Parts {
    std::int64_t integers[4] = {};
    std::string_view texts[4] = {};
};

std::optional<Parts> read_parts(std::string_view raw) {
    Parts parts;
    Reader reader(raw);
    for (Item item; reader.next(item);) {
        if (item.number > 3) continue;
        if (item.wire == Wire::bytes) parts.texts[item.number] = item.bytes;
        if (item.wire == Wire::varint) {
            parts.integers[item.number] = static_cast<std::int64_t>(item.integer);
        }
    }
    if (reader.failed()) return std::nullopt;
    return parts;
}

// An empty time message is Go's zero time, which JSON writes as null.
json::Value time_value(const Parts& parts, bool micro) {
    if (parts.integers[1] == 0 && parts.integers[2] == 0) return {};
    constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
    if (parts.integers[1] > limit || parts.integers[1] < -limit) return {};
    const WallTime time(
        std::chrono::seconds(parts.integers[1]) + std::chrono::nanoseconds(parts.integers[2])
    );
    return json::Value::of(micro ? object::format_micro_time(time) : object::format_time(time));
}

Result<json::Value> wrapped_value(const Field& field, std::string_view raw) {
    const auto parts = read_parts(raw);
    if (!parts) return fail(damaged(field.json_name));
    switch (field.kind) {
        case FieldKind::time:
            return time_value(*parts, false);
        case FieldKind::micro_time:
            return time_value(*parts, true);
        case FieldKind::quantity:
            return json::Value::of(parts->texts[1]);
        case FieldKind::int_or_string:
            if (parts->integers[1] != 0) return json::Value::of(parts->texts[3]);
            return json::Value::of(static_cast<std::int32_t>(parts->integers[2]));
        default:
            break;
    }
    // RawExtension and FieldsV1 hold JSON text.
    if (parts->texts[1].empty()) return json::Value();
    return json::Value::parse(parts->texts[1]);
}

Result<json::Value> decode_fields(std::string_view raw, const MessageType& type, int depth);

Result<json::Value> scalar_value(const Field& field, const Item& item, int depth) {
    const bool wants_bytes = field.kind != FieldKind::boolean && field.kind != FieldKind::int32 &&
                             field.kind != FieldKind::int64 && field.kind != FieldKind::number;
    if (wants_bytes != (item.wire == Wire::bytes)) return fail(damaged(field.json_name));
    switch (field.kind) {
        case FieldKind::string:
            return json::Value::of(item.bytes);
        case FieldKind::bytes:
            return json::Value::of(base64_encode(item.bytes));
        case FieldKind::boolean:
            return json::Value::of(item.integer != 0);
        case FieldKind::int32:
        case FieldKind::int64:
            return json::Value::of(static_cast<std::int64_t>(item.integer));
        case FieldKind::number:
            return json::Value::of(std::bit_cast<double>(item.integer));
        case FieldKind::message:
            return decode_fields(item.bytes, *field.message, depth + 1);
        default:
            return wrapped_value(field, item.bytes);
    }
}

bool is_zero(const json::Value& value) {
    if (value.is_null()) return true;
    if (value.is_string()) return value.as_string().empty();
    if (value.is_bool()) return !value.boolean().value_or(false);
    if (value.is_number()) return value.number().value_or(0) == 0;
    return value.empty();
}

Result<> add_map_entry(json::Value& target, const Field& field, std::string_view raw, int depth) {
    std::string key;
    json::Value value = field.kind == FieldKind::string || field.kind == FieldKind::bytes
                            ? json::Value::of("")
                            : json::Value();
    Reader reader(raw);
    for (Item item; reader.next(item);) {
        if (item.number == 1 && item.wire == Wire::bytes) key = std::string(item.bytes);
        if (item.number != 2) continue;
        auto decoded = scalar_value(field, item, depth);
        if (!decoded) return fail(decoded.error());
        value = std::move(*decoded);
    }
    if (reader.failed()) return fail(damaged(field.json_name));
    json::Value& map = target[field.json_name];
    if (map.size() >= json::ParseLimits{}.members) {
        return fail(
            ErrorCode::invalid_argument, fmt::format("{}: too many entries", field.json_name)
        );
    }
    map.set(key, std::move(value));
    return {};
}

Result<> add_field(json::Value& target, const Field& field, const Item& item, int depth) {
    if (field.shape == FieldShape::map) {
        if (item.wire != Wire::bytes) return fail(damaged(field.json_name));
        return add_map_entry(target, field, item.bytes, depth);
    }
    auto value = scalar_value(field, item, depth);
    if (!value) return fail(value.error());
    switch (field.shape) {
        case FieldShape::list:
            target[field.json_name].push_back(std::move(*value));
            break;
        case FieldShape::inlined:
            for (json::Member& member : value->object()) {
                target.set(member.key, std::move(member.value));
            }
            break;
        default:
            if (!field.omits_zero() || !is_zero(*value)) {
                target.set(field.json_name, std::move(*value));
            }
    }
    return {};
}

Result<json::Value> decode_fields(std::string_view raw, const MessageType& type, int depth) {
    if (depth > kDepthMax) {
        return fail(ErrorCode::invalid_argument, fmt::format("{}: nested too deep", type.name()));
    }
    json::Value target = json::Value::make_object();
    Reader reader(raw);
    for (Item item; reader.next(item);) {
        const Field* field = type.by_number(item.number);
        if (field == nullptr) continue;
        if (auto added = add_field(target, *field, item, depth); !added) {
            return fail(added.error().within(type.name()));
        }
    }
    if (reader.failed()) return fail(damaged(type.name()));
    return target;
}

}  // namespace

Result<Envelope> open_envelope(std::string_view body) {
    if (!body.starts_with(kMagic)) {
        return fail(
            ErrorCode::invalid_argument,
            "provided data does not appear to be a protobuf message, expected prefix "
            "[107 56 115 0]"
        );
    }
    Envelope envelope;
    Reader reader(body.substr(kMagic.size()));
    for (Item item; reader.next(item);) {
        if (item.number == 1 && item.wire == Wire::bytes) {
            if (const auto type = read_parts(item.bytes)) {
                envelope.api_version = std::string(type->texts[1]);
                envelope.kind = std::string(type->texts[2]);
            }
        }
        if (item.number == 2 && item.wire == Wire::bytes) envelope.raw = std::string(item.bytes);
    }
    return envelope;
}

Result<json::Value> decode_message(std::string_view raw, const MessageType& type) {
    return decode_fields(raw, type, 0);
}

}  // namespace farhold::kubeproto
