// SPDX-License-Identifier: Apache-2.0
//
// Pure: which object is meant, without the group and version that it is spoken of in.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace farhold::object {

// Text form "Pod/default/hello"; cluster-scoped objects have an empty namespace: "Node//edge-1".
struct ObjectKey {
    std::string kind;
    std::string ns;
    std::string name;

    static Result<ObjectKey> parse(std::string_view text);
    static ObjectKey of(const json::Value& object);

    std::string text() const;

    auto operator<=>(const ObjectKey&) const = default;
};

}  // namespace farhold::object

template <>
struct std::hash<farhold::object::ObjectKey> {
    std::size_t operator()(const farhold::object::ObjectKey& key) const noexcept;
};
