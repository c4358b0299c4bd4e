// SPDX-License-Identifier: Apache-2.0
#include "common/json/value.hpp"

#include "common/base/ensure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace farhold::json {

Value::Value() noexcept = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::~Value() = default;

Value Value::of(std::string text) {
    Value result;
    result.data_ = std::move(text);
    return result;
}

Value Value::of(std::string_view text) {
    return of(std::string(text));
}

Value Value::of(const char* text) {
    return of(std::string(text));
}

Value Value::of(double value) {
    ensure(std::isfinite(value), "JSON has no infinity and no NaN");
    return of_number_text(fmt::format("{}", value));
}

Value Value::of_number_text(std::string text) {
    Value result;
    result.data_ = Number{std::move(text)};
    return result;
}

Value Value::make_object() {
    Value result;
    result.data_ = Object{};
    return result;
}

Value Value::make_object(std::initializer_list<Member> members) {
    Value result;
    result.data_ = Object(members);
    return result;
}

Value Value::make_array() {
    Value result;
    result.data_ = Array{};
    return result;
}

Value Value::make_array(std::initializer_list<Value> elements) {
    Value result;
    result.data_ = Array(elements);
    return result;
}

std::optional<std::string_view> Value::string() const {
    const auto* text = std::get_if<std::string>(&data_);
    return text != nullptr ? std::optional<std::string_view>(*text) : std::nullopt;
}

std::optional<bool> Value::boolean() const {
    const auto* value = std::get_if<bool>(&data_);
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::int64_t> Value::integer() const {
    const auto* number = std::get_if<Number>(&data_);
    if (number == nullptr) {
        return std::nullopt;
    }
    const char* end = number->text.data() + number->text.size();
    std::int64_t value = 0;
    const auto [rest, error] = std::from_chars(number->text.data(), end, value);
    return error == std::errc{} && rest == end ? std::optional(value) : std::nullopt;
}

std::optional<double> Value::number() const {
    const auto* number = std::get_if<Number>(&data_);
    if (number == nullptr) {
        return std::nullopt;
    }
    const char* end = number->text.data() + number->text.size();
    double value = 0;
    const auto [rest, error] = std::from_chars(number->text.data(), end, value);
    return error == std::errc{} && rest == end ? std::optional(value) : std::nullopt;
}

const std::string& Value::as_string() const {
    ensure(is_string(), "the JSON value is a string");
    return std::get<std::string>(data_);
}

const std::string& Value::number_text() const {
    ensure(is_number(), "the JSON value is a number");
    return std::get<Number>(data_).text;
}

const Array& Value::array() const {
    ensure(is_array(), "the JSON value is an array");
    return std::get<Array>(data_);
}

Array& Value::array() {
    ensure(is_array(), "the JSON value is an array");
    return std::get<Array>(data_);
}

const Object& Value::object() const {
    ensure(is_object(), "the JSON value is an object");
    return std::get<Object>(data_);
}

Object& Value::object() {
    ensure(is_object(), "the JSON value is an object");
    return std::get<Object>(data_);
}

const Value* Value::find(std::string_view key) const {
    const auto* members = std::get_if<Object>(&data_);
    if (members == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::find(*members, key, &Member::key);
    return found != members->end() ? &found->value : nullptr;
}

Value* Value::find(std::string_view key) {
    return const_cast<Value*>(std::as_const(*this).find(key));
}

const Value* Value::at_path(Path path) const {
    const Value* value = this;
    for (const auto key : path) {
        value = value->find(key);
        if (value == nullptr) {
            return nullptr;
        }
    }
    return value;
}

Value* Value::at_path(Path path) {
    return const_cast<Value*>(std::as_const(*this).at_path(path));
}

std::string_view Value::text_at(Path path, std::string_view fallback) const {
    const Value* value = at_path(path);
    return value != nullptr ? value->string().value_or(fallback) : fallback;
}

std::int64_t Value::integer_at(Path path, std::int64_t fallback) const {
    const Value* value = at_path(path);
    return value != nullptr ? value->integer().value_or(fallback) : fallback;
}

bool Value::bool_at(Path path, bool fallback) const {
    const Value* value = at_path(path);
    return value != nullptr ? value->boolean().value_or(fallback) : fallback;
}

const Array& Value::elements_at(Path path) const {
    static const Array kNone;
    const Value* value = at_path(path);
    return value != nullptr && value->is_array() ? value->array() : kNone;
}

Value& Value::operator[](std::string_view key) {
    if (is_null()) {
        data_ = Object{};
    }
    if (Value* found = find(key)) {
        return *found;
    }
    return object().emplace_back(Member{std::string(key), {}}).value;
}

Value& Value::set(std::string_view key, Value value) {
    Value& member = (*this)[key];
    member = std::move(value);
    return member;
}

Value& Value::push_back(Value value) {
    if (is_null()) {
        data_ = Array{};
    }
    return array().emplace_back(std::move(value));
}

Value& Value::ensure_path(Path path) {
    Value* value = this;
    for (const auto key : path) {
        if (!value->is_object()) {
            *value = make_object();
        }
        value = &(*value)[key];
    }
    if (value->is_null()) {
        *value = make_object();
    }
    return *value;
}

bool Value::erase(std::string_view key) {
    auto* members = std::get_if<Object>(&data_);
    return members != nullptr &&
           std::erase_if(*members, [key](const Member& m) { return m.key == key; }) > 0;
}

std::size_t Value::size() const {
    if (const auto* elements = std::get_if<Array>(&data_)) {
        return elements->size();
    }
    const auto* members = std::get_if<Object>(&data_);
    return members != nullptr ? members->size() : 0;
}

}  // namespace farhold::json
