// SPDX-License-Identifier: Apache-2.0
#include "common/devices/value_rules.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace farhold;
using namespace farhold::devices;

namespace {

std::string trouble(const ValueRule& rule, std::string_view value) {
    const auto checked = check_value(rule, value);
    return checked ? "" : checked.error().message();
}

ValueRule rule(ValueType type, std::string minimum = "", std::string maximum = "") {
    return {.type = type, .minimum = std::move(minimum), .maximum = std::move(maximum)};
}

}  // namespace

TEST_CASE("value rules: types of models and of messages are the same ones", "[devices]") {
    CHECK(parse_value_type("INT") == ValueType::integer);
    CHECK(parse_value_type("integer") == ValueType::integer);
    CHECK(parse_value_type("DOUBLE") == ValueType::real);
    CHECK(parse_value_type("float") == ValueType::real);
    CHECK(parse_value_type("") == ValueType::text);
    CHECK(parse_value_type("Boolean") == ValueType::boolean);
    CHECK_FALSE(parse_value_type("deleted").has_value());
}

TEST_CASE("value rules: a value is of its type", "[devices]") {
    CHECK(trouble(rule(ValueType::integer), "-9223372036854775808").empty());
    CHECK(trouble(rule(ValueType::integer), "1.5") == "must be a whole number");
    CHECK(trouble(rule(ValueType::integer), "9223372036854775808") == "must be a whole number");
    CHECK(trouble(rule(ValueType::integer), "") == "must be a whole number");
    CHECK(trouble(rule(ValueType::integer), "1 ") == "must be a whole number");
    CHECK(trouble(rule(ValueType::real), "-1e3").empty());
    CHECK(trouble(rule(ValueType::real), "1e309") == "must be a number");
    CHECK(trouble(rule(ValueType::real), "nan") == "must be a number");
    CHECK(trouble(rule(ValueType::boolean), "true").empty());
    CHECK(trouble(rule(ValueType::boolean), "True") == "must be true or false");
    CHECK(trouble(rule(ValueType::text), "anything at all").empty());
}

TEST_CASE("value rules: a number is within its limits, which belong to them", "[devices]") {
    CHECK(trouble(rule(ValueType::integer, "0", "100"), "0").empty());
    CHECK(trouble(rule(ValueType::integer, "0", "100"), "100").empty());
    CHECK(trouble(rule(ValueType::integer, "0", "100"), "-1") == "must not be less than 0");
    CHECK(trouble(rule(ValueType::integer, "0", "100"), "101") == "must not be more than 100");
    // A double does not tell these two apart.
    CHECK(
        trouble(rule(ValueType::integer, "", "9007199254740992"), "9007199254740993") ==
        "must not be more than 9007199254740992"
    );
    CHECK(trouble(rule(ValueType::integer, "0.5"), "0") == "must not be less than 0.5");
    CHECK(trouble(rule(ValueType::real, "-1.5", "1.5"), "1.5").empty());
    CHECK(trouble(rule(ValueType::real, "-1.5", "1.5"), "1.6") == "must not be more than 1.5");
    // A limit that is no number is none.
    CHECK(trouble(rule(ValueType::real, "low"), "-5").empty());
}
