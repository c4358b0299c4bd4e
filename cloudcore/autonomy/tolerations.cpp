// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/autonomy/tolerations.hpp"

#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace farhold::autonomy {
namespace {

using json::Value;

constexpr std::array<std::string_view, 2> kTaints = {
    "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
};
constexpr const char* kSeconds = "tolerationSeconds";
constexpr const char* kList = "/spec/tolerations";

// The controller's taints have no value.
bool matches(const Value& toleration, std::string_view taint) {
    const std::string_view key = toleration.text_at({"key"});
    const std::string_view effect = toleration.text_at({"effect"});
    const bool any_value = toleration.text_at({"operator"}) == "Exists";
    return (key == taint || (key.empty() && any_value)) &&
           (effect.empty() || effect == "NoExecute") &&
           (any_value || toleration.text_at({"value"}).empty());
}

bool may_leave(const Value& pod) {
    const std::string_view phase = pod.text_at({"status", "phase"});
    return object::is_deleting(pod) || phase == "Succeeded" || phase == "Failed" ||
           object::annotation(pod, kEvictAnnotation) == "true";
}

Value operation(std::string_view op, std::string path) {
    return Value::make_object({{"op", Value::of(op)}, {"path", Value::of(std::move(path))}});
}

Value operation(std::string_view op, std::string path, Value value) {
    Value one = operation(op, std::move(path));
    one.set("value", std::move(value));
    return one;
}

Value unending(std::string_view taint) {
    return Value::make_object(
        {{"key", Value::of(taint)},
         {"operator", Value::of("Exists")},
         {"effect", Value::of("NoExecute")}}
    );
}

}  // namespace

std::optional<Value> patch_to_stay(const Value& pod) {
    if (may_leave(pod)) {
        return std::nullopt;
    }
    const json::Array& list = pod.elements_at({"spec", "tolerations"});
    std::set<std::size_t> ending;           // Entries whose seconds go.
    std::vector<std::string_view> missing;  // Taints for which an entry must be first.
    for (const std::string_view taint : kTaints) {
        const auto first =
            std::ranges::find_if(list, [&](const Value& one) { return matches(one, taint); });
        const bool own = first != list.end() && first->text_at({"key"}) == taint;
        if (first != list.end() && first->find(kSeconds) == nullptr) {
            continue;
        }
        if (own) {
            ending.insert(static_cast<std::size_t>(first - list.begin()));
        } else {
            missing.push_back(taint);  // One for all taints keeps its seconds for the others.
        }
    }
    if (ending.empty() && missing.empty()) {
        return std::nullopt;
    }
    Value patch = Value::make_array();
    patch.push_back(operation("test", "/metadata/uid", Value::of(object::uid(pod))));
    if (list.empty()) {
        // A path that is not there cannot be tested.
        patch.push_back(
            operation("test", "/metadata/resourceVersion", Value::of(object::resource_version(pod)))
        );
        patch.push_back(operation("add", kList, Value::make_array()));
    } else {
        patch.push_back(operation("test", kList, *pod.at_path({"spec", "tolerations"})));
    }
    for (const std::size_t index : ending) {
        patch.push_back(operation("remove", fmt::format("{}/{}/{}", kList, index, kSeconds)));
    }
    for (const std::string_view taint : missing) {
        patch.push_back(operation("add", fmt::format("{}/0", kList), unending(taint)));
    }
    return patch;
}

}  // namespace farhold::autonomy
