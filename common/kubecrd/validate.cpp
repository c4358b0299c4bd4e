// SPDX-License-Identifier: Apache-2.0
//
// After k8s.io/kube-openapi/pkg/validation and apiextensions-apiserver/pkg/apiserver/validation.
#include "common/kubecrd/validate.hpp"

#include "common/kubecrd/formats.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

namespace farhold::kubecrd {
namespace {

using json::Value;
using kubeschema::FieldErrors;

std::string_view type_of(const Value& value) {
    if (value.is_null()) return "null";
    if (value.is_string()) return "string";
    if (value.is_bool()) return "boolean";
    if (value.is_array()) return "array";
    if (value.is_object()) return "object";
    return value.integer() ? "integer" : "number";
}

bool is_whole(const Value& value) {
    const auto number = value.number();
    return number && std::floor(*number) == *number;
}

std::string join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : path + "." + std::string(name);
}

std::string element(const std::string& path, std::size_t index) {
    return fmt::format("{}[{}]", path, index);
}

// As Go's %v writes it: with an exponent from a million on.
std::string go_number(double number) {
    std::array<char, 400> text{};
    const auto scientific = std::to_chars(
        text.data(), text.data() + text.size(), number, std::chars_format::scientific
    );
    std::string written(text.data(), scientific.ptr);
    const std::size_t e = written.find('e');
    if (e == std::string::npos) {
        return written;
    }
    const int exponent = std::atoi(written.c_str() + e + 1);
    if (exponent < -4 || exponent >= 6) {
        return written;
    }
    const auto fixed =
        std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    return {text.data(), fixed.ptr};
}

std::size_t count_runes(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

void complain(
    const std::string& path, const Value& value, std::string_view sentence, FieldErrors& errors
) {
    errors.push_back(kubeschema::invalid(path, value, fmt::format("{} in body {}", path, sentence))
    );
}

void complain_type(
    const std::string& path, std::string_view shown, std::string_view expected, FieldErrors& errors
) {
    kubeschema::FieldError error = kubeschema::invalid(
        path, shown,
        fmt::format("{} in body must be of type {}: {}", path, expected, Value::of(shown).dump())
    );
    error.reason = "FieldValueTypeInvalid";
    errors.push_back(std::move(error));
}

bool has_type(const Value& value, const Schema& schema) {
    if (schema.int_or_string) {
        return value.is_string() || is_whole(value);
    }
    if (schema.type.empty()) {
        return true;
    }
    if (schema.type == "integer") {
        return is_whole(value);
    }
    return schema.type == "number" ? value.is_number() : type_of(value) == schema.type;
}

void check_type(
    const Value& value, const Schema& schema, const std::string& path, FieldErrors& errors
) {
    if (value.is_null() && schema.nullable) {
        return;
    }
    if (!has_type(value, schema)) {
        complain_type(
            path, type_of(value), schema.int_or_string ? "integer,string" : schema.type, errors
        );
    } else if (!fits_format(value, schema.format)) {
        complain_type(path, value.string().value_or(type_of(value)), schema.format, errors);
    }
}

void check_number(
    const Value& value, const Schema& schema, const std::string& path, FieldErrors& errors
) {
    const double number = value.number().value_or(0);
    const auto shown = [&value](const Bound& bound) {
        return value.integer() ? fmt::format("{:.0f}", std::trunc(bound.value))
                               : go_number(bound.value);
    };
    if (schema.multiple_of && schema.multiple_of->value != 0) {
        const double times = number / schema.multiple_of->value;
        if (std::floor(times) != times) {
            complain(
                path, value,
                fmt::format("should be a multiple of {}", go_number(schema.multiple_of->value)),
                errors
            );
        }
    }
    if (const auto& bound = schema.maximum;
        bound && (bound->exclusive ? number >= bound->value : number > bound->value)) {
        const std::string_view words = bound->exclusive ? "less than" : "less than or equal to";
        complain(path, value, fmt::format("should be {} {}", words, shown(*bound)), errors);
    }
    if (const auto& bound = schema.minimum;
        bound && (bound->exclusive ? number <= bound->value : number < bound->value)) {
        const std::string_view words =
            bound->exclusive ? "greater than" : "greater than or equal to";
        complain(path, value, fmt::format("should be {} {}", words, shown(*bound)), errors);
    }
}

void check_text(
    const Value& value, const Schema& schema, const std::string& path, FieldErrors& errors
) {
    const std::string& text = value.as_string();
    const auto length = static_cast<std::int64_t>(count_runes(text));
    if (schema.max_length && length > *schema.max_length) {
        errors.push_back(kubeschema::too_long(path, static_cast<std::size_t>(*schema.max_length)));
    }
    if (schema.min_length && length < *schema.min_length) {
        complain(
            path, value, fmt::format("should be at least {} chars long", *schema.min_length), errors
        );
    }
    if (schema.pattern && !schema.pattern->matches(text)) {
        complain(path, value, fmt::format("should match '{}'", schema.pattern->text()), errors);
    }
}

kubeschema::FieldError too_many(const std::string& path, std::size_t count, std::int64_t max) {
    return {
        "FieldValueTooMany", path,
        fmt::format("Too many: {}: must have at most {} item{}", count, max, max == 1 ? "" : "s")
    };
}

void check_choices(
    const Value& value, const Schema& schema, const std::string& path, FieldErrors& errors
) {
    if (schema.choices.empty() ||
        std::ranges::find(schema.choices, value) != schema.choices.end()) {
        return;
    }
    if (value.is_null() && schema.nullable) {
        return;
    }
    std::vector<std::string> choices;
    for (const Value& choice : schema.choices) {
        choices.push_back(Value::of(choice.is_string() ? choice.as_string() : choice.dump()).dump()
        );
    }
    errors.push_back(
        {"FieldValueNotSupported", path,
         fmt::format(
             "Unsupported value: {}: supported values: {}", value.dump(), fmt::join(choices, ", ")
         )}
    );
}

bool is_valid(const Value& value, const Schema& schema, const std::string& path) {
    FieldErrors errors;
    validate(value, nullptr, schema, path, errors);
    return errors.empty();
}

void check_junctors(
    const Value& value, const Schema& schema, const std::string& path, FieldErrors& errors
) {
    const auto fits = [&](const SchemaPtr& part) { return is_valid(value, *part, path); };
    const auto refuse = [&](std::string_view sentence) {
        errors.push_back(kubeschema::invalid(
            "", std::string_view(), fmt::format("{} {}", Value::of(path).dump(), sentence)
        ));
    };
    if (!schema.any_of.empty() && std::ranges::none_of(schema.any_of, fits)) {
        refuse("must validate at least one schema (anyOf)");
        validate(value, nullptr, *schema.any_of.front(), path, errors);
    }
    if (!schema.one_of.empty()) {
        const auto count = std::ranges::count_if(schema.one_of, fits);
        if (count != 1) {
            refuse(
                count == 0 ? "must validate one and only one schema (oneOf). Found none valid"
                           : fmt::format(
                                 "must validate one and only one schema (oneOf). Found {} valid "
                                 "alternatives",
                                 count
                             )
            );
            if (count == 0) {
                validate(value, nullptr, *schema.one_of.front(), path, errors);
            }
        }
    }
    if (!schema.all_of.empty() && !std::ranges::all_of(schema.all_of, fits)) {
        for (const SchemaPtr& part : schema.all_of) {
            validate(value, nullptr, *part, path, errors);
        }
        refuse("must validate all the schemas (allOf)");
    }
    if (schema.negated && fits(schema.negated)) {
        refuse("must not validate the schema (not)");
    }
}

// What an element of a set or a map is known by, as text.
std::string identity_of(const Value& item, const Schema& schema) {
    if (schema.list_type == ListType::set) {
        return item.dump();
    }
    Value key = Value::make_object();
    for (const std::string& name : schema.list_map_keys) {
        if (const Value* part = item.find(name)) {
            key.set(name, *part);
        }
    }
    return key.dump();
}

using Identities = std::map<std::string, const Value*>;

// Of a list that is a map: elsewhere an element is not known to be the one it was.
Identities identities_of(const Value* list, const Schema& schema) {
    Identities identities;
    if (list != nullptr && list->is_array() && schema.list_type == ListType::map) {
        for (const Value& item : list->array()) {
            identities.emplace(identity_of(item, schema), &item);
        }
    }
    return identities;
}

void check_elements(
    const Value& value, const Value* current, const Schema& schema, const std::string& path,
    FieldErrors& errors
) {
    if (!schema.items) {
        return;
    }
    const Identities before = identities_of(current, schema);
    for (std::size_t i = 0; i < value.size(); ++i) {
        const Value& item = value.array()[i];
        const auto known = before.empty() ? before.end() : before.find(identity_of(item, schema));
        validate(
            item, known != before.end() ? known->second : nullptr, *schema.items, element(path, i),
            errors
        );
    }
}

void check_duplicates(
    const Value& value, const Schema& schema, const std::string& path, FieldErrors& errors
) {
    if (schema.list_type == ListType::atomic) {
        return;
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const std::string identity = identity_of(value.array()[i], schema);
        if (!seen.insert(identity).second) {
            errors.push_back(
                {"FieldValueDuplicate", element(path, i),
                 fmt::format("Duplicate value: {}", identity)}
            );
        }
    }
}

bool has_duplicates(const json::Array& elements) {
    std::set<std::string> seen;
    return !std::ranges::all_of(elements, [&seen](const Value& item) {
        return seen.insert(item.dump()).second;
    });
}

void check_array(
    const Value& value, const Value* current, const Schema& schema, const std::string& path,
    FieldErrors& errors
) {
    check_elements(value, current, schema, path, errors);
    const auto count = static_cast<std::int64_t>(value.size());
    if (schema.min_items && count < *schema.min_items) {
        complain(
            path, value, fmt::format("should have at least {} items", *schema.min_items), errors
        );
    }
    if (schema.max_items && count > *schema.max_items) {
        errors.push_back(too_many(path, value.size(), *schema.max_items));
    }
    if (schema.unique_items && has_duplicates(value.array())) {
        complain(path, value, "shouldn't contain duplicates", errors);
    }
    check_duplicates(value, schema, path, errors);
}

void check_object(
    const Value& value, const Value* current, const Schema& schema, const std::string& path,
    FieldErrors& errors
) {
    const auto count = static_cast<std::int64_t>(value.size());
    if (schema.min_properties && count < *schema.min_properties) {
        complain(
            path, value, fmt::format("should have at least {} properties", *schema.min_properties),
            errors
        );
    }
    if (schema.max_properties && count > *schema.max_properties) {
        errors.push_back(too_many(path, value.size(), *schema.max_properties));
    }
    for (const std::string& name : schema.required) {
        if (value.find(name) == nullptr) {
            errors.push_back(kubeschema::required(join(path, name)));
        }
    }
    for (const json::Member& member : value.object()) {
        const Schema* inner = schema.find_property(member.key);
        if (inner == nullptr) {
            inner = schema.additional.get();
        }
        if (inner != nullptr) {
            const Value* before = current != nullptr ? current->find(member.key) : nullptr;
            validate(member.value, before, *inner, join(path, member.key), errors);
        }
    }
}

}  // namespace

void validate(
    const json::Value& value, const json::Value* current, const Schema& schema,
    const std::string& path, kubeschema::FieldErrors& errors
) {
    if (current != nullptr && *current == value) {
        return;
    }
    check_type(value, schema, path, errors);
    if (!value.is_null()) {
        check_junctors(value, schema, path, errors);
    }
    if (value.is_string()) {
        check_text(value, schema, path, errors);
    } else if (value.is_number()) {
        check_number(value, schema, path, errors);
    } else if (value.is_array()) {
        check_array(value, current, schema, path, errors);
    }
    check_choices(value, schema, path, errors);
    if (value.is_object()) {
        check_object(value, current, schema, path, errors);
    }
}

}  // namespace farhold::kubecrd
