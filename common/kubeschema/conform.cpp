// SPDX-License-Identifier: Apache-2.0
//
// One walk over an object beside its field table.
#include "common/base/encoding.hpp"
#include "common/kubeschema/writes.hpp"
#include "common/object/quantity.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::size_t kMaxUnknownFields = 100;

std::string_view json_type(const Value& value) {
    if (value.is_object()) {
        return "object";
    }
    if (value.is_array()) {
        return "array";
    }
    if (value.is_string()) {
        return "string";
    }
    return value.is_number() ? "number" : "bool";
}

std::string type_name(const Field& field, bool element) {
    static constexpr std::string_view kNames[] = {
        "string",
        "bool",
        "int32",
        "int64",
        "float64",
        "[]uint8",
        "Time",
        "MicroTime",
        "resource.Quantity",
        "intstr.IntOrString",
        "object"
    };
    const std::string name = field.kind == FieldKind::message
                                 ? std::string(field.message->name())
                                 : std::string(kNames[static_cast<std::size_t>(field.kind)]);
    if (element || field.shape == FieldShape::single) {
        return name;
    }
    return (field.shape == FieldShape::list ? "[]" : "map[string]") + name;
}

bool is_zero(const Value& value) {
    if (value.is_string()) {
        return value.as_string().empty();
    }
    if (value.is_number()) {
        return value.integer() == 0;
    }
    return value.is_bool() ? value.boolean() == false : value.empty();
}

// Structs are written even when empty; only lists, maps and scalars count as absent.
bool is_omitted(const Field& field, const Value& value) {
    const bool is_struct = field.shape == FieldShape::single &&
                           (field.kind == FieldKind::message || field.kind == FieldKind::raw_json);
    return field.omits_zero() && !is_struct && is_zero(value);
}

class Conformer {
public:
    Conformer(std::string_view kind, std::string_view version, std::vector<std::string>& unknown)
        : kind_(kind), version_(version), unknown_(unknown) {}

    Result<void> walk_message(Value& value, const MessageType& type, const std::string& path) {
        auto& members = value.object();
        std::size_t kept = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            json::Member& member = members[i];
            const Field* field = type.by_name(member.key);
            if (field == nullptr) {
                report_unknown(join(path, member.key));
                continue;
            }
            // null is how JSON says "absent".
            if (member.value.is_null()) {
                continue;
            }
            if (auto walked = walk_field(member.value, *field, join(path, member.key)); !walked) {
                return walked;
            }
            if (is_omitted(*field, member.value)) {
                continue;
            }
            if (kept != i) {
                members[kept] = std::move(member);
            }
            ++kept;
        }
        members.resize(kept);
        return {};
    }

    Result<void> not_an_object(const Value& value, std::string_view path) const {
        return mismatch(value, path, "object");
    }

private:
    Result<void> walk_field(Value& value, const Field& field, const std::string& path) {
        if (field.shape == FieldShape::list) {
            return walk_list(value, field, path);
        }
        if (field.shape == FieldShape::map) {
            return walk_map(value, field, path);
        }
        return walk_single(value, field, path);
    }

    Result<void> walk_list(Value& value, const Field& field, const std::string& path) {
        if (!value.is_array()) {
            return mismatch(value, path, type_name(field, false));
        }
        for (std::size_t i = 0; i < value.size(); ++i) {
            Value& element = value.array()[i];
            auto walked = walk_element(element, field, fmt::format("{}[{}]", path, i));
            if (!walked) {
                return walked;
            }
        }
        return {};
    }

    Result<void> walk_map(Value& value, const Field& field, const std::string& path) {
        if (!value.is_object()) {
            return mismatch(value, path, type_name(field, false));
        }
        for (json::Member& member : value.object()) {
            if (auto walked = walk_element(member.value, field, join(path, member.key)); !walked) {
                return walked;
            }
        }
        return {};
    }

    // Go reads a null element as the zero of its type.
    Result<void> walk_element(Value& value, const Field& field, const std::string& path) {
        if (value.is_null()) {
            value = field.kind == FieldKind::message ? Value::make_object() : Value::of("");
        }
        return walk_single(value, field, path);
    }

    Result<void> walk_single(Value& value, const Field& field, const std::string& path) {
        switch (field.kind) {
            case FieldKind::message:
                return value.is_object() ? walk_message(value, *field.message, path)
                                         : mismatch(value, path, type_name(field, true));
            case FieldKind::raw_json:
                return {};
            case FieldKind::quantity:
                return walk_quantity(value, path);
            case FieldKind::time:
            case FieldKind::micro_time:
                return walk_time(value, field, path);
            case FieldKind::bytes:
                return walk_bytes(value, path);
            default:
                return fits(value, field.kind) ? Result<void>()
                                               : mismatch(value, path, type_name(field, true));
        }
    }

    static bool fits(const Value& value, FieldKind kind) {
        const auto integer = value.integer();
        const bool is_int32 = integer && *integer >= std::numeric_limits<std::int32_t>::min() &&
                              *integer <= std::numeric_limits<std::int32_t>::max();
        switch (kind) {
            case FieldKind::string:
                return value.is_string();
            case FieldKind::boolean:
                return value.is_bool();
            case FieldKind::int32:
                return is_int32;
            case FieldKind::int64:
                return integer.has_value();
            case FieldKind::int_or_string:
                return is_int32 || value.is_string();
            default:
                return value.is_number();
        }
    }

    Result<void> walk_quantity(Value& value, const std::string& path) const {
        if (!value.is_string() && !value.is_number()) {
            return mismatch(value, path, "resource.Quantity");
        }
        const auto quantity =
            object::Quantity::parse(value.is_string() ? value.as_string() : value.number_text());
        if (!quantity) {
            return refuse(quantity.error().message());
        }
        value = Value::of(quantity->canonical());
        return {};
    }

    Result<void> walk_time(Value& value, const Field& field, const std::string& path) const {
        if (!value.is_string()) {
            return mismatch(value, path, type_name(field, true));
        }
        const auto time = object::parse_time(value.as_string());
        if (!time) {
            return refuse(fmt::format("{}: {}", path, time.error().message()));
        }
        value = Value::of(
            field.kind == FieldKind::time ? object::format_time(*time)
                                          : object::format_micro_time(*time)
        );
        return {};
    }

    Result<void> walk_bytes(Value& value, const std::string& path) const {
        if (!value.is_string()) {
            return mismatch(value, path, "[]uint8");
        }
        const auto bytes = base64_decode(value.as_string());
        if (!bytes) {
            return refuse(fmt::format("{}: {}", path, bytes.error().message()));
        }
        value = Value::of(base64_encode(*bytes));
        return {};
    }

    Result<void> refuse(std::string_view why) const {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format(
                "{} in version \"{}\" cannot be handled as a {}: {}", kind_, version_, kind_, why
            )
        );
    }

    Result<void> mismatch(const Value& value, std::string_view path, std::string_view expected)
        const {
        return refuse(fmt::format(
            "json: cannot unmarshal {} into Go struct field {}.{} of type {}", json_type(value),
            kind_, path, expected
        ));
    }

    void report_unknown(std::string path) {
        if (unknown_.size() < kMaxUnknownFields) {
            unknown_.push_back(std::move(path));
        }
    }

    static std::string join(const std::string& path, const std::string& key) {
        return path.empty() ? key : path + "." + key;
    }

    std::string_view kind_;
    std::string_view version_;
    std::vector<std::string>& unknown_;
};

void put_first(Value& object, std::string_view key, const std::string& value) {
    if (object.text_at({key}).empty()) {
        object.erase(key);
        auto& members = object.object();
        members.insert(members.begin(), {std::string(key), Value::of(value)});
    }
}

}  // namespace

Result<void> conform(
    const ResourceType& type, json::Value& object, std::vector<std::string>& unknown
) {
    Conformer conformer(type.kind, type.version, unknown);
    if (!object.is_object()) {
        return conformer.not_an_object(object, "");
    }
    put_first(object, "kind", type.kind);
    put_first(object, "apiVersion", type.group_version());
    if (type.message != nullptr) {
        return conformer.walk_message(object, *type.message, "");
    }
    json::Value* metadata = object.find("metadata");
    if (metadata == nullptr) {
        return {};
    }
    if (!metadata->is_object()) {
        return conformer.not_an_object(*metadata, "metadata");
    }
    return conformer.walk_message(
        *metadata, *FieldTable::built_in().find("ObjectMeta"), "metadata"
    );
}

}  // namespace farhold::kubeschema
