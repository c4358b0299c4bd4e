// SPDX-License-Identifier: Apache-2.0
//
// Pure: label and field selectors as they stand in query strings, with Kubernetes' error words.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::object {

// "app=web,tier in (a,b),!old,weight>5"; commas mean "and"; the empty selector matches everything.
class LabelSelector {
public:
    enum class Operator : std::uint8_t { in, not_in, exists, not_exists, greater, less };
    struct Requirement {
        std::string key;
        Operator op;
        std::vector<std::string> values;
    };

    static Result<LabelSelector> parse(std::string_view text);

    bool empty() const { return requirements_.empty(); }
    const std::vector<Requirement>& requirements() const { return requirements_; }
    // `labels` is a map of strings or nullptr (an object without labels).
    bool matches(const json::Value* labels) const;
    // By the object's metadata.labels.
    bool matches_object(const json::Value& object) const;
    // False only if the object with this text cannot match: a quick look before the text is parsed.
    // The text is as Value::dump() writes it.
    bool may_match_text(std::string_view text) const;

private:
    std::vector<Requirement> requirements_;
};

// "metadata.name=a,status.phase!=Failed". What a path means is the kind's affair (kubeschema).
class FieldSelector {
public:
    struct Requirement {
        std::string path;
        bool negated = false;
        std::string value;
    };
    // The text of the field at a path; a missing one is empty.
    using Lookup = std::function<std::string(std::string_view path)>;

    static Result<FieldSelector> parse(std::string_view text);

    bool empty() const { return requirements_.empty(); }
    const std::vector<Requirement>& requirements() const { return requirements_; }
    bool matches(const Lookup& lookup) const;

private:
    std::vector<Requirement> requirements_;
};

}  // namespace farhold::object
