// SPDX-License-Identifier: Apache-2.0
#include "common/devices/value_rules.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace farhold::devices {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

template <class Number>
std::optional<Number> parse(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<double> parse_real(std::string_view text) {
    const auto number = parse<double>(text);
    return number && std::isfinite(*number) ? number : std::nullopt;
}

// Whole numbers are compared as such: a double does not hold all of them.
template <class Number>
Result<> check_range(
    const ValueRule& rule, Number value, std::optional<Number> (*read)(std::string_view)
) {
    const auto low = read(rule.minimum);
    const auto high = read(rule.maximum);
    if (low && value < *low) {
        return fail(ErrorCode::invalid_argument, "must not be less than " + rule.minimum);
    }
    if (high && value > *high) {
        return fail(ErrorCode::invalid_argument, "must not be more than " + rule.maximum);
    }
    return {};
}

}  // namespace

Result<ValueType> parse_value_type(std::string_view name) {
    std::string small(name);
    std::ranges::transform(small, small.begin(), lower);
    if (small.empty() || small == "string") return ValueType::text;
    if (small == "int" || small == "integer") return ValueType::integer;
    if (small == "float" || small == "double") return ValueType::real;
    if (small == "boolean") return ValueType::boolean;
    if (small == "bytes") return ValueType::bytes;
    if (small == "stream") return ValueType::stream;
    return fail(ErrorCode::invalid_argument, "unknown type of value");
}

Result<> check_value(const ValueRule& rule, std::string_view value) {
    if (rule.type == ValueType::integer) {
        const auto number = parse<std::int64_t>(value);
        if (!number) return fail(ErrorCode::invalid_argument, "must be a whole number");
        const auto whole = check_range<std::int64_t>(rule, *number, parse<std::int64_t>);
        return whole ? check_range<double>(rule, static_cast<double>(*number), parse_real) : whole;
    }
    if (rule.type == ValueType::real) {
        const auto number = parse_real(value);
        if (!number) return fail(ErrorCode::invalid_argument, "must be a number");
        return check_range<double>(rule, *number, parse_real);
    }
    if (rule.type == ValueType::boolean && value != "true" && value != "false") {
        return fail(ErrorCode::invalid_argument, "must be true or false");
    }
    return {};
}

}  // namespace farhold::devices
