// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/field_errors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace farhold::kubeschema {
namespace {

std::string quoted(std::string_view text) {
    return json::Value::of(text).dump();
}

}  // namespace

FieldError required(std::string field, std::string_view detail) {
    std::string message = "Required value";
    if (!detail.empty()) {
        message += fmt::format(": {}", detail);
    }
    return {"FieldValueRequired", std::move(field), std::move(message)};
}

FieldError invalid(std::string field, const json::Value& value, std::string_view detail) {
    return {
        "FieldValueInvalid", std::move(field),
        fmt::format("Invalid value: {}: {}", value.dump(), detail)
    };
}

FieldError invalid(std::string field, std::string_view value, std::string_view detail) {
    return invalid(std::move(field), json::Value::of(value), detail);
}

FieldError unsupported(
    std::string field, std::string_view value, std::initializer_list<std::string_view> supported
) {
    std::vector<std::string> choices;
    std::ranges::transform(supported, std::back_inserter(choices), quoted);
    return {
        "FieldValueNotSupported", std::move(field),
        fmt::format(
            "Unsupported value: {}: supported values: {}", quoted(value), fmt::join(choices, ", ")
        )
    };
}

FieldError duplicate(std::string field, std::string_view value) {
    return {
        "FieldValueDuplicate", std::move(field), fmt::format("Duplicate value: {}", quoted(value))
    };
}

FieldError forbidden(std::string field, std::string_view detail) {
    return {"FieldValueForbidden", std::move(field), fmt::format("Forbidden: {}", detail)};
}

FieldError too_long(std::string field, std::size_t max_bytes) {
    return {
        "FieldValueTooLong", std::move(field),
        fmt::format("Too long: may not be more than {} bytes", max_bytes)
    };
}

FieldError not_found(std::string field, std::string_view value) {
    return {"FieldValueNotFound", std::move(field), fmt::format("Not found: {}", quoted(value))};
}

std::string summary(const FieldErrors& errors) {
    std::vector<std::string> texts;
    for (const FieldError& error : errors) {
        if (std::ranges::find(texts, error.text()) == texts.end()) {
            texts.push_back(error.text());
        }
    }
    return texts.size() == 1 ? texts.front() : fmt::format("[{}]", fmt::join(texts, ", "));
}

}  // namespace farhold::kubeschema
