// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/namespaces/namespace_conditions.hpp"

#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

namespace farhold::namespaces {
namespace {

std::string remaining_text(const std::map<std::string, std::int64_t>& by_resource) {
    std::vector<std::string> parts;
    for (const auto& [resource, count] : by_resource) {
        parts.push_back(fmt::format("{} has {} resource instances", resource, count));
    }
    return fmt::format("Some resources are remaining: {}", fmt::join(parts, ", "));
}

std::string finalizers_text(const std::map<std::string, std::int64_t>& by_finalizer) {
    std::vector<std::string> parts;
    for (const auto& [finalizer, count] : by_finalizer) {
        parts.push_back(fmt::format("{} in {} resource instances", finalizer, count));
    }
    return fmt::format(
        "Some content in the namespace has finalizers remaining: {}", fmt::join(parts, ", ")
    );
}

struct Condition {
    std::string_view type;
    bool holds;
    std::string_view reason;
    std::string message;
};

}  // namespace

json::Value deletion_conditions(
    const json::Value& current, const RemainingContent& remaining, WallTime now
) {
    const bool content = !remaining.by_resource.empty();
    const bool finalizers = !remaining.by_finalizer.empty();
    const std::vector<Condition> wanted = {
        {"NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
         "All resources successfully discovered"},
        {"NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
         "All legacy kube types successfully parsed"},
        {"NamespaceDeletionContentFailure", false, "ContentDeleted",
         "All content successfully deleted, may be waiting on finalization"},
        {"NamespaceContentRemaining", content, content ? "SomeResourcesRemain" : "ContentRemoved",
         content ? remaining_text(remaining.by_resource) : "All content successfully removed"},
        {"NamespaceFinalizersRemaining", finalizers,
         finalizers ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
         finalizers ? finalizers_text(remaining.by_finalizer)
                    : "All content-preserving finalizers finished"},
    };
    json::Value conditions = json::Value::make_array();
    for (const Condition& condition : wanted) {
        const std::string_view status = condition.holds ? "True" : "False";
        const json::Value* before = object::find_condition(current, condition.type);
        const bool kept = before != nullptr && before->text_at({"status"}) == status;
        json::Value entry = json::Value::make_object();
        entry.set("type", json::Value::of(condition.type));
        entry.set("status", json::Value::of(status));
        entry.set(
            "lastTransitionTime", json::Value::of(
                                      kept ? std::string(before->text_at({"lastTransitionTime"}))
                                           : object::format_time(now)
                                  )
        );
        entry.set("reason", json::Value::of(condition.reason));
        entry.set("message", json::Value::of(condition.message));
        conditions.push_back(std::move(entry));
    }
    return conditions;
}

}  // namespace farhold::namespaces
