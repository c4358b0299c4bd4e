// SPDX-License-Identifier: Apache-2.0
//
// The text form, one message after the other:
//
//   Volume: 1 name string!; 2 = VolumeSource
//   Pod@: 1 metadata ObjectMeta!; 2 spec PodSpec!; 3 status PodStatus!
//
//   NAME@            the message is a kind: it has kind and apiVersion, in JSON only
//   NUMBER NAME TYPE a field; TYPE is string, bool, int32, int64, double, bytes, time, microTime,
//                    quantity, intOrString, raw, or a message
//   []TYPE {}TYPE    a list, a map from strings
//   TYPE!            always written, TYPE* a pointer (see Field)
//   TYPE|bool        JSON may have a boolean instead
//   TYPE~KEY         the list merges by KEY in a strategic patch; "~" alone: a set of scalars
//   NUMBER = TYPE    a message whose fields stand in this one's JSON
//
// A line that begins with a space continues the message above it.
#include "common/kubeschema/field_table.hpp"

#include "common/base/ensure.hpp"
#include "common/kubeschema/built_in_fields.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace farhold::kubeschema {
namespace {

constexpr std::array<std::pair<std::string_view, FieldKind>, 11> kScalars = {{
    {"string", FieldKind::string},
    {"bool", FieldKind::boolean},
    {"int32", FieldKind::int32},
    {"int64", FieldKind::int64},
    {"double", FieldKind::number},
    {"bytes", FieldKind::bytes},
    {"time", FieldKind::time},
    {"microTime", FieldKind::micro_time},
    {"quantity", FieldKind::quantity},
    {"intOrString", FieldKind::int_or_string},
    {"raw", FieldKind::raw_json},
}};

constexpr std::string_view kSpace = " \n";

std::string_view take_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    const auto end = std::min(text.find_first_of(kSpace), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

// Up to the separator, which is taken off too.
std::string_view take_until(std::string_view& text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

// Up to the line that begins the next message.
std::string_view take_message(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
    std::size_t end = 0;
    do {
        end = std::min(text.find('\n', end), text.size());
    } while (end < text.size() && ++end < text.size() && text[end] == ' ');
    const std::string_view message = text.substr(0, end);
    text.remove_prefix(end);
    return message;
}

struct ParsedField {
    Field field;
    std::string_view type_name;
};

ParsedField parse_field(std::string_view text) {
    Field field;
    const std::string_view number = take_word(text);
    const auto [rest, error] =
        std::from_chars(number.data(), number.data() + number.size(), field.number);
    ensure(error == std::errc{} && field.number > 0, "a field has a number");
    const std::string_view name = take_word(text);
    std::string_view type = take_word(text);
    if (name == "=") {
        field.shape = FieldShape::inlined;
    } else {
        field.json_name = name;
    }
    if (type.starts_with("[]") || type.starts_with("{}")) {
        field.shape = type.front() == '[' ? FieldShape::list : FieldShape::map;
        type.remove_prefix(2);
    }
    if (const auto merge = type.find('~'); merge != std::string_view::npos) {
        field.merge = true;
        field.merge_key = type.substr(merge + 1);
        type = type.substr(0, merge);
    }
    if (type.ends_with("|bool")) {
        field.or_bool = true;
        type.remove_suffix(std::string_view("|bool").size());
    }
    if (type.ends_with('!') || type.ends_with('*')) {
        (type.back() == '!' ? field.always : field.pointer) = true;
        type.remove_suffix(1);
    }
    const auto scalar =
        std::ranges::find(kScalars, type, &std::pair<std::string_view, FieldKind>::first);
    field.kind = scalar != kScalars.end() ? scalar->second : FieldKind::message;
    return {field, field.kind == FieldKind::message ? type : std::string_view()};
}

}  // namespace

const Field* MessageType::by_name(std::string_view json_name) const {
    const auto found = std::ranges::lower_bound(by_name_, json_name, {}, &Field::json_name);
    return found != by_name_.end() && (*found)->json_name == json_name ? *found : nullptr;
}

const Field* MessageType::by_number(std::uint32_t number) const {
    // 0 is no number on the wire, but that of kind and apiVersion here.
    const auto found = std::ranges::find(fields_, number, &Field::number);
    return number != 0 && found != fields_.end() ? &*found : nullptr;
}

object::PatchField MessageType::patch_field(std::string_view name) const {
    const Field* field = by_name(name);
    if (field == nullptr || field->shape == FieldShape::map) {
        return {};
    }
    return {.merge = field->merge, .merge_key = field->merge_key, .schema = field->message};
}

void MessageType::build_index() {
    by_name_.clear();
    for (const Field& field : fields_) {
        if (field.shape != FieldShape::inlined) {
            by_name_.push_back(&field);
            continue;
        }
        for (const Field& inner : field.message->fields_) {
            ensure(inner.shape != FieldShape::inlined, "an inlined message inlines no other");
            by_name_.push_back(&inner);
        }
    }
    std::ranges::sort(by_name_, {}, &Field::json_name);
}

FieldTable::FieldTable(std::string_view text) {
    std::vector<std::vector<std::string_view>> type_names;
    while (text.find_first_not_of(kSpace) != std::string_view::npos) {
        std::string_view message = take_message(text);
        std::string_view name = take_until(message, ':');
        const bool is_kind = name.ends_with('@');
        name.remove_suffix(is_kind ? 1 : 0);
        auto type = std::make_unique<MessageType>(name);
        std::vector<std::string_view>& names = type_names.emplace_back();
        if (is_kind) {
            type->fields_ = {{.json_name = "kind"}, {.json_name = "apiVersion"}};
            names.resize(type->fields_.size());
        }
        while (message.find_first_not_of(kSpace) != std::string_view::npos) {
            const ParsedField parsed = parse_field(take_until(message, ';'));
            type->fields_.push_back(parsed.field);
            names.push_back(parsed.type_name);
        }
        types_.push_back(std::move(type));
    }
    for (std::size_t i = 0; i < types_.size(); ++i) {
        ensure(i == 0 || types_[i - 1]->name() < types_[i]->name(), "messages are sorted by name");
        for (std::size_t j = 0; j < type_names[i].size(); ++j) {
            if (!type_names[i][j].empty()) {
                const MessageType* message = find(type_names[i][j]);
                ensure(message != nullptr, "a field's message is in the table");
                types_[i]->fields_[j].message = message;
            }
        }
    }
    for (const auto& type : types_) {
        type->build_index();
    }
}

FieldTable::~FieldTable() = default;

const MessageType* FieldTable::find(std::string_view name) const {
    const auto name_of = [](const std::unique_ptr<MessageType>& type) { return type->name(); };
    const auto found = std::ranges::lower_bound(types_, name, {}, name_of);
    return found != types_.end() && (*found)->name() == name ? found->get() : nullptr;
}

const FieldTable& FieldTable::built_in() {
    static const FieldTable table(kBuiltInFields);
    return table;
}

}  // namespace farhold::kubeschema
