// SPDX-License-Identifier: Apache-2.0
#include "common/json/value.hpp"

#include <algorithm>

namespace farhold::json {
namespace {

// Sorted, so that two objects of n members in different order compare in n log n.
std::vector<const Member*> by_key(const Object& members) {
    std::vector<const Member*> sorted;
    sorted.reserve(members.size());
    for (const Member& member : members) {
        sorted.push_back(&member);
    }
    std::ranges::sort(sorted, {}, &Member::key);
    return sorted;
}

bool equal_members(const Member& a, const Member& b) {
    return a.key == b.key && a.value == b.value;
}

bool equal_objects(const Object& a, const Object& b) {
    if (a.size() != b.size()) {
        return false;
    }
    // Versions of one object nearly always have their members in the same order.
    if (std::ranges::equal(a, b, {}, &Member::key, &Member::key)) {
        return std::ranges::equal(a, b, {}, &Member::value, &Member::value);
    }
    return std::ranges::equal(by_key(a), by_key(b), [](const Member* left, const Member* right) {
        return equal_members(*left, *right);
    });
}

bool equal_numbers(const Value& a, const Value& b) {
    if (a.number_text() == b.number_text()) {
        return true;
    }
    const auto left = a.integer();
    const auto right = b.integer();
    if (left && right) {
        return *left == *right;
    }
    const auto left_double = a.number();
    return left_double && left_double == b.number();
}

}  // namespace

bool Value::operator==(const Value& other) const {
    if (data_.index() != other.data_.index()) {
        return false;
    }
    if (is_object()) {
        return equal_objects(object(), other.object());
    }
    if (is_array()) {
        return array() == other.array();
    }
    if (is_number()) {
        return equal_numbers(*this, other);
    }
    return string() == other.string() && boolean() == other.boolean();
}

}  // namespace farhold::json
