// SPDX-License-Identifier: Apache-2.0
//
// Pure: a JSON document as a tree that writes back what it read. Numbers keep their text (a 64-bit
// integer, 1.0 or a long decimal survives untouched) and members keep their order. Kubernetes
// objects are handled in this form everywhere; it is a plain value, copied and moved as such.
#pragma once

#include "common/base/error.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace farhold::json {

class Value;
struct Member;
using Array = std::vector<Value>;
// Insertion-ordered; keys are unique as long as members are added with Value::set.
using Object = std::vector<Member>;
using Path = std::initializer_list<std::string_view>;

struct ParseLimits {
    std::size_t bytes = std::size_t{16} << 20U;
    // Of arrays and objects within each other; everything that walks a tree recurses this deep.
    std::size_t depth = 100;
    // Of one object: members are searched one by one.
    std::size_t members = 16'384;
};

class Value {
public:
    Value() noexcept;  // null
    Value(const Value& other);
    Value(Value&& other) noexcept;
    Value& operator=(const Value& other);
    Value& operator=(Value&& other) noexcept;
    ~Value();

    static Value of(std::string text);
    static Value of(std::string_view text);
    static Value of(const char* text);
    static Value of(std::same_as<bool> auto value);
    static Value of(std::integral auto value)
        requires(!std::same_as<decltype(value), bool>);
    static Value of(double value);
    static Value of_number_text(std::string text);
    static Value make_object();
    static Value make_object(std::initializer_list<Member> members);
    static Value make_array();
    static Value make_array(std::initializer_list<Value> elements);

    // UTF-8 JSON (RFC 8259). A key that stands twice in one object keeps its last value; its path
    // ("spec.containers[0].image") is added to `duplicates`, when given, as Kubernetes' strict
    // decoding reports it. Errors (invalid_argument) tell the offset in bytes.
    static Result<Value> parse(
        std::string_view text, const ParseLimits& limits = {},
        std::vector<std::string>* duplicates = nullptr
    );

    // Compact, one line. Text that is not UTF-8 is written with U+FFFD in place of the bad bytes.
    std::string dump() const;
    void dump_to(std::string& out) const;
    // Indented by two spaces.
    std::string dump_pretty() const;

    bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
    bool is_bool() const { return std::holds_alternative<bool>(data_); }
    bool is_number() const { return std::holds_alternative<Number>(data_); }
    bool is_string() const { return std::holds_alternative<std::string>(data_); }
    bool is_array() const { return std::holds_alternative<Array>(data_); }
    bool is_object() const { return std::holds_alternative<Object>(data_); }

    std::optional<std::string_view> string() const;
    std::optional<bool> boolean() const;
    // Present for whole numbers written without fraction and exponent that fit.
    std::optional<std::int64_t> integer() const;
    std::optional<double> number() const;

    // For values whose type is known; another type is a broken invariant.
    const std::string& as_string() const;
    const std::string& number_text() const;
    const Array& array() const;
    Array& array();
    const Object& object() const;
    Object& object();

    // The member, or nullptr when there is none or this is no object.
    const Value* find(std::string_view key) const;
    Value* find(std::string_view key);
    const Value* at_path(Path path) const;
    Value* at_path(Path path);
    std::string_view text_at(Path path, std::string_view fallback = {}) const;
    std::int64_t integer_at(Path path, std::int64_t fallback = 0) const;
    bool bool_at(Path path, bool fallback = false) const;
    // The elements there, or none when there is no array.
    const Array& elements_at(Path path) const;

    // These turn null into an object (or array) first; another type is a broken invariant.
    Value& operator[](std::string_view key);
    Value& set(std::string_view key, Value value);
    Value& push_back(Value value);
    // Objects on the way are created; a scalar or list in the way is replaced by an object.
    Value& ensure_path(Path path);
    // Whether the member was there.
    bool erase(std::string_view key);

    // Members, elements, or 0 for scalars.
    std::size_t size() const;
    bool empty() const { return size() == 0; }

    // Numbers compare by value (1 == 1.0), objects irrespective of their order.
    bool operator==(const Value& other) const;

private:
    struct Number {
        std::string text;
    };

    std::variant<std::monostate, bool, Number, std::string, Array, Object> data_;
};

struct Member {
    std::string key;
    Value value;
};

Value Value::of(std::same_as<bool> auto value) {
    Value result;
    result.data_ = bool{value};
    return result;
}

Value Value::of(std::integral auto value)
    requires(!std::same_as<decltype(value), bool>)
{
    return of_number_text(std::to_string(value));
}

}  // namespace farhold::json
