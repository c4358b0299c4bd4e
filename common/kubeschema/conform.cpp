// SPDX-License-Identifier: Apache-2.0
//
// One walk over an object beside its field table.
#include "common/base/encoding.hpp"
#include "common/kubeschema/writes.hpp"
#include "common/object/quantity.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::size_t kMaxUnknownFields = 100;

std::string type_name(const Field& field, bool element) {
    static constexpr std::string_view kNames[] = {
        "string",
        "bool",
        "int32",
        "int64",
        "float64",
        "[]uint8",
        "v1.Time",
        "v1.MicroTime",
        "resource.Quantity",
        "intstr.IntOrString",
        "object"
    };
    const std::string name = field.kind == FieldKind::message
                                 ? "v1." + std::string(field.message->name())
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

// Go's structs are written even when empty, unless they are behind a pointer, and of the scalars what
// has no omitempty. Times that are not there are null.
void complete(Value& value, const MessageType& type);

void add_zero(Value& value, const Field& field) {
    const bool single = field.shape == FieldShape::single;
    const bool is_time = field.kind == FieldKind::time || field.kind == FieldKind::micro_time;
    const bool is_struct = single && !field.pointer &&
                           (field.kind == FieldKind::message || field.kind == FieldKind::quantity);
    // The one time that is left out.
    if (field.json_name == "creationTimestamp") return;
    if (single && !field.pointer && is_time) {
        value.set(field.json_name, Value());
    } else if (is_struct && field.kind == FieldKind::message) {
        complete(value.set(field.json_name, Value::make_object()), *field.message);
    } else if (is_struct) {
        value.set(field.json_name, Value::of("0"));
    } else if (!field.always || !single) {
        return;
    } else if (field.kind == FieldKind::boolean) {
        value.set(field.json_name, Value::of(false));
    } else {
        const bool is_text = field.kind == FieldKind::string || field.kind == FieldKind::bytes;
        value.set(field.json_name, is_text ? Value::of("") : Value::of(0));
    }
}

void complete(Value& value, const MessageType& type) {
    for (const Field& field : type.fields()) {
        if (field.shape == FieldShape::inlined) {
            complete(value, *field.message);
        } else if (value.find(field.json_name) == nullptr) {
            add_zero(value, field);
        }
    }
}

// Where a field stands: for people, and as Go says it: without indexes and keys of maps, and with the
// struct that has it.
struct Place {
    std::string path;
    std::string go_path;
    std::string_view owner;

    Place field(const std::string& name, std::string_view struct_name) const {
        const auto join = [&name](const std::string& prefix) {
            return prefix.empty() ? name : prefix + "." + name;
        };
        return {join(path), join(go_path), struct_name};
    }
    Place element(const std::string& suffix) const { return {path + suffix, go_path, owner}; }
};

class Conformer {
public:
    explicit Conformer(std::vector<std::string>& unknown) : unknown_(unknown) {}

    Result<void> walk_message(Value& value, const MessageType& type, const Place& place) {
        auto& members = value.object();
        std::size_t kept = 0;
        for (std::size_t i = 0; i < members.size(); ++i) {
            json::Member& member = members[i];
            const Field* field = type.by_name(member.key);
            if (field == nullptr) {
                report_unknown(place.field(member.key, {}).path);
                continue;
            }
            // null is how JSON says "absent".
            if (member.value.is_null()) {
                continue;
            }
            const Place inner = place.field(member.key, type.name());
            if (auto walked = walk_field(member.value, *field, inner); !walked) {
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
        complete(value, type);
        return {};
    }

private:
    Result<void> walk_field(Value& value, const Field& field, const Place& place) {
        if (field.shape == FieldShape::list) {
            return walk_list(value, field, place);
        }
        if (field.shape == FieldShape::map) {
            return walk_map(value, field, place);
        }
        return walk_single(value, field, place);
    }

    Result<void> walk_list(Value& value, const Field& field, const Place& place) {
        if (!value.is_array()) {
            return mismatch(value, place, type_name(field, false));
        }
        for (std::size_t i = 0; i < value.size(); ++i) {
            Value& element = value.array()[i];
            auto walked = walk_element(element, field, place.element(fmt::format("[{}]", i)));
            if (!walked) {
                return walked;
            }
        }
        return {};
    }

    Result<void> walk_map(Value& value, const Field& field, const Place& place) {
        if (!value.is_object()) {
            return mismatch(value, place, type_name(field, false));
        }
        for (json::Member& member : value.object()) {
            const Place inner = place.element("." + member.key);
            if (auto walked = walk_element(member.value, field, inner); !walked) {
                return walked;
            }
        }
        return {};
    }

    // Go reads a null element as the zero of its type.
    Result<void> walk_element(Value& value, const Field& field, const Place& place) {
        if (value.is_null()) {
            value = field.kind == FieldKind::message ? Value::make_object() : Value::of("");
        }
        return walk_single(value, field, place);
    }

    Result<void> walk_single(Value& value, const Field& field, const Place& place) {
        switch (field.kind) {
            case FieldKind::message:
                if (field.or_bool && value.is_bool()) {
                    return {};
                }
                return value.is_object() ? walk_message(value, *field.message, place)
                                         : mismatch(value, place, type_name(field, true));
            case FieldKind::raw_json:
                return {};
            case FieldKind::quantity:
                return walk_quantity(value, place);
            case FieldKind::time:
            case FieldKind::micro_time:
                return walk_time(value, field, place);
            case FieldKind::bytes:
                return walk_bytes(value, place);
            default:
                return fits(value, field.kind) ? Result<void>()
                                               : mismatch(value, place, type_name(field, true));
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

    static Result<void> walk_quantity(Value& value, const Place& place) {
        if (!value.is_string() && !value.is_number()) {
            return mismatch(value, place, "resource.Quantity");
        }
        const auto quantity =
            object::Quantity::parse(value.is_string() ? value.as_string() : value.number_text());
        if (!quantity) {
            return refuse(quantity.error().message());
        }
        value = Value::of(quantity->canonical());
        return {};
    }

    static Result<void> walk_time(Value& value, const Field& field, const Place& place) {
        if (!value.is_string()) {
            return mismatch(value, place, type_name(field, true));
        }
        const std::string& text = value.as_string();
        const bool micro = field.kind == FieldKind::micro_time;
        auto time = object::parse_time(text);
        if (time && micro && !has_six_digits(text)) {
            time = fail(ErrorCode::invalid_argument, "there are six digits after the second");
        }
        if (!time) {
            return refuse(fmt::format(
                "parsing time \"{}\" as \"2006-01-02T15:04:05{}Z07:00\": {}", text,
                micro ? ".000000" : "", time.error().message()
            ));
        }
        value = Value::of(micro ? object::format_micro_time(*time) : object::format_time(*time));
        return {};
    }

    static bool has_six_digits(std::string_view time) {
        constexpr std::string_view kDigits = "0123456789";
        const std::size_t point = std::min(time.find('.'), time.size() - 1);
        return time.find_first_not_of(kDigits, point + 1) == point + 7;
    }

    static Result<void> walk_bytes(Value& value, const Place& place) {
        if (!value.is_string()) {
            return mismatch(value, place, "[]uint8");
        }
        const auto bytes = base64_decode(value.as_string());
        if (!bytes) {
            return refuse("illegal base64 data at input byte " + first_fault(value.as_string()));
        }
        value = Value::of(base64_encode(*bytes));
        return {};
    }

    // A byte that is none of base64, else the beginning of what is not complete.
    static std::string first_fault(std::string_view text) {
        constexpr std::string_view kAlphabet =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
        const std::size_t alien = text.find_first_not_of(kAlphabet);
        return std::to_string(std::min(alien, text.size() / 4 * 4));
    }

    static Result<void> refuse(std::string why) {
        return fail(ErrorCode::invalid_argument, std::move(why));
    }

    static Result<void> mismatch(
        const Value& value, const Place& place, std::string_view expected
    ) {
        const bool fraction = value.is_number() && expected.starts_with("int");
        return refuse(fmt::format(
            "json: cannot unmarshal {}{} into Go struct field {}.{} of type {}", json_type(value),
            fraction ? " " + value.number_text() : "", place.owner, place.go_path, expected
        ));
    }

    void report_unknown(std::string path) {
        if (unknown_.size() < kMaxUnknownFields) {
            unknown_.push_back(std::move(path));
        }
    }

    std::vector<std::string>& unknown_;
};

void put_first(Value& object, std::string_view key, const std::string& value) {
    const std::string kept(object.text_at({key}));
    object.erase(key);
    auto& members = object.object();
    members.insert(members.begin(), {std::string(key), Value::of(kept.empty() ? value : kept)});
}

}  // namespace

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

Result<void> conform_message(
    const MessageType& type, json::Value& object, std::vector<std::string>& unknown
) {
    return Conformer(unknown).walk_message(object, type, {{}, {}, type.name()});
}

Result<void> conform(
    const ResourceType& type, json::Value& object, std::vector<std::string>& unknown
) {
    const auto explained = [&type](Result<void> result) -> Result<void> {
        if (result) return {};
        return fail(
            ErrorCode::invalid_argument,
            fmt::format(
                "{} in version \"{}\" cannot be handled as a {}: {}", type.kind, type.version,
                type.kind, result.error().message()
            )
        );
    };
    if (!object.is_object()) {
        return explained(fail(ErrorCode::invalid_argument, "it is not an object"));
    }
    // In this order, which representation.cpp relies on.
    put_first(object, "apiVersion", type.group_version());
    put_first(object, "kind", type.kind);
    if (type.message != nullptr) {
        return explained(conform_message(*type.message, object, unknown));
    }
    json::Value& metadata = object.ensure_path({"metadata"});
    auto walked = Conformer(unknown).walk_message(
        metadata, *FieldTable::built_in().find("ObjectMeta"), {"metadata", "metadata", "ObjectMeta"}
    );
    if (walked && type.prune) {
        type.prune(object, unknown);
    }
    return explained(std::move(walked));
}

}  // namespace farhold::kubeschema
