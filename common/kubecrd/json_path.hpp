// SPDX-License-Identifier: Apache-2.0
//
// Pure: the JSONPath of printer columns, selectable fields and scales: names, ['names'], indexes,
// [*], [?(@.name=="text")] and the same with !=.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::kubecrd {

class JsonPath {
public:
    // ".spec.names[0].plural"
    static Result<JsonPath> parse(std::string_view text);

    std::vector<const json::Value*> find(const json::Value& object) const;
    // The first of them, or nullptr.
    const json::Value* first(const json::Value& object) const;

    // The names on the way when there is nothing but names, as subresources need them.
    std::vector<std::string> names() const;
    bool only_names() const;

private:
    enum class StepKind : std::uint8_t { name, index, all, filter };

    struct Step {
        StepKind kind = StepKind::name;
        std::string name;
        std::int64_t index = 0;  // Below zero: from the end.
        // Of a filter.
        std::vector<std::string> path;
        bool exists = false;  // No comparison.
        bool equal = true;
        std::string literal;
    };

    friend class JsonPathReader;

    static bool passes(const Step& filter, const json::Value& item);

    std::vector<Step> steps_;
};

}  // namespace farhold::kubecrd
