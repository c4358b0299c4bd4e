// SPDX-License-Identifier: Apache-2.0
#include "common/yaml/parse_yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <string_view>
#include <utility>

namespace farhold::yaml {
namespace {

using json::Value;

constexpr int kDepthMax = 100;

std::unexpected<Error> refuse(const YAML::Node& node, std::string_view why) {
    return fail(ErrorCode::invalid_argument, fmt::format("line {}: {}", node.Mark().line + 1, why));
}

// Plain words mean what they look like, quoted ones are text.
Value scalar_of(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") {
        return Value::of(text);
    }
    for (const std::string_view word : {"true", "True", "TRUE"}) {
        if (text == word) return Value::of(true);
    }
    for (const std::string_view word : {"false", "False", "FALSE"}) {
        if (text == word) return Value::of(false);
    }
    for (const std::string_view word : {"", "~", "null", "Null", "NULL"}) {
        if (text == word) return {};
    }
    // What YAML takes for a number beyond JSON's (0x10, .5, +1) stays text.
    const Result<Value> number = Value::parse(text);
    return number && number->is_number() ? *number : Value::of(text);
}

Result<Value> value_of(const YAML::Node& node, int depth);

Result<Value> object_of(const YAML::Node& node, int depth) {
    Value object = Value::make_object();
    for (const auto& pair : node) {
        if (!pair.first.IsScalar()) {
            return refuse(pair.first, "a key must be a word");
        }
        const std::string& key = pair.first.Scalar();
        if (object.find(key) != nullptr) {
            return refuse(pair.first, fmt::format("\"{}\" stands twice", key));
        }
        auto value = value_of(pair.second, depth);
        if (!value) {
            return value;
        }
        object.set(key, std::move(*value));
    }
    return object;
}

Result<Value> value_of(const YAML::Node& node, int depth) {
    if (depth > kDepthMax) {
        return refuse(node, "too deep");
    }
    if (node.IsMap()) {
        return object_of(node, depth + 1);
    }
    if (!node.IsSequence()) {
        return node.IsScalar() ? scalar_of(node) : Value();
    }
    Value array = Value::make_array();
    for (const YAML::Node& item : node) {
        auto value = value_of(item, depth + 1);
        if (!value) {
            return value;
        }
        array.push_back(std::move(*value));
    }
    return array;
}

}  // namespace

Result<json::Value> parse(const std::string& text) {
    try {
        return value_of(YAML::Load(text), 0);
    } catch (const YAML::Exception& error) {
        return fail(ErrorCode::invalid_argument, error.what());
    }
}

}  // namespace farhold::yaml
