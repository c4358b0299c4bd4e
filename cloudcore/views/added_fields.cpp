// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/added_fields.hpp"

#include "common/json/value.hpp"

#include <algorithm>
#include <array>

namespace farhold::views {

namespace {

constexpr std::array<std::string_view, 3> kOnlyOfPeople = {"metadata", "data", "binaryData"};

// Whether what both have is the same.
bool agree(const json::Value& left, const json::Value& right) {
    if (left.is_object() && right.is_object()) {
        return std::ranges::all_of(left.object(), [&](const json::Member& member) {
            const json::Value* other = right.find(member.key);
            return other == nullptr || agree(member.value, *other);
        });
    }
    if (left.is_array() && right.is_array()) {
        return std::ranges::equal(left.array(), right.array(), agree);
    }
    return left == right;
}

bool is_same(const json::Value* left, const json::Value* right) {
    return left == nullptr || right == nullptr ? left == right : *left == *right;
}

}  // namespace

bool differ_by_defaults(std::string_view left, std::string_view right) {
    const auto one = json::Value::parse(left);
    const auto other = json::Value::parse(right);
    if (!one || !other || !agree(*one, *other)) return false;
    return std::ranges::all_of(kOnlyOfPeople, [&](std::string_view field) {
        return is_same(one->find(field), other->find(field));
    });
}

}  // namespace farhold::views
