// SPDX-License-Identifier: Apache-2.0
//
// Pure: complaints about single fields in Kubernetes' words (apimachinery's field.Error), which end
// up in the message and the causes of a 422 answer.
#pragma once

#include "common/json/value.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::kubeschema {

struct FieldError {
    std::string reason;   // "FieldValueInvalid": the cause's reason.
    std::string field;    // "spec.containers[0].image"
    std::string message;  // "Required value": the cause's message, without the path.

    // "spec.containers[0].image: Required value"
    std::string text() const { return field + ": " + message; }
};

using FieldErrors = std::vector<FieldError>;

FieldError required(std::string field, std::string_view detail = {});
FieldError invalid(std::string field, const json::Value& value, std::string_view detail);
FieldError invalid(std::string field, std::string_view value, std::string_view detail);
FieldError unsupported(
    std::string field, std::string_view value, std::initializer_list<std::string_view> supported
);
FieldError duplicate(std::string field, std::string_view value);
FieldError forbidden(std::string field, std::string_view detail);
FieldError too_long(std::string field, std::size_t max_bytes);
FieldError not_found(std::string field, std::string_view value);

// What follows `Pod "x" is invalid: `: the one text, or "[a, b]" without repetitions.
std::string summary(const FieldErrors& errors);

}  // namespace farhold::kubeschema
