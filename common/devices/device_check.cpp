// SPDX-License-Identifier: Apache-2.0
#include "common/devices/device_check.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

namespace farhold::devices {
namespace {

using json::Value;

std::string complaint(const ValueRule& rule, std::string_view value) {
    if (rule.read_only) {
        return "the property is ReadOnly";
    }
    const Result<> fits = check_value(rule, value);
    return fits ? std::string() : fits.error().message();
}

}  // namespace

std::optional<ValueRule> find_rule(const json::Value& model, std::string_view property) {
    for (const Value& candidate : model.elements_at({"spec", "properties"})) {
        if (candidate.text_at({"name"}) != property) {
            continue;
        }
        ValueRule rule;
        rule.type = parse_value_type(candidate.text_at({"type"})).value_or(ValueType::text);
        rule.type_name = candidate.text_at({"type"}, "string");
        rule.read_only = candidate.text_at({"accessMode"}) == "ReadOnly";
        rule.minimum = candidate.text_at({"minimum"});
        rule.maximum = candidate.text_at({"maximum"});
        return rule;
    }
    return std::nullopt;
}

std::vector<Misfit> check_device(const json::Value& device, const json::Value& model) {
    std::vector<Misfit> misfits;
    const json::Array& properties = device.elements_at({"spec", "properties"});
    for (std::size_t i = 0; i < properties.size(); ++i) {
        const Value* desired = properties[i].at_path({"desired", "value"});
        const std::string_view value =
            desired != nullptr ? desired->string().value_or("") : std::string_view();
        // An empty text is how KubeEdge's manifests say that nothing is wanted.
        if (value.empty()) {
            continue;
        }
        const auto rule = find_rule(model, properties[i].text_at({"name"}));
        if (!rule) {
            continue;
        }
        if (std::string wrong = complaint(*rule, value); !wrong.empty()) {
            misfits.push_back(
                {fmt::format("spec.properties[{}].desired.value", i), std::string(value),
                 std::move(wrong)}
            );
        }
    }
    return misfits;
}

}  // namespace farhold::devices
