// SPDX-License-Identifier: Apache-2.0
//
// After k8s.io/apimachinery/pkg/api/validation (objectmeta.go).
#include "common/kubeschema/metadata_rules.hpp"

#include "common/object/metadata.hpp"
#include "common/object/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::size_t kMaxAnnotationBytes = std::size_t{256} << 10U;
constexpr std::string_view kImmutable = "field is immutable";

object::Complaint check_name(NameRule rule, std::string_view name) {
    switch (rule) {
        case NameRule::dns_subdomain:
            return object::check_dns1123_subdomain(name);
        case NameRule::dns_label:
            return object::check_dns1123_label(name);
        case NameRule::path_segment:
            return object::check_path_segment(name);
    }
    return std::nullopt;
}

void validate_names(const ResourceType& type, const Value& object, FieldErrors& errors) {
    // A prefix ends where the random part begins, so it may end with a hyphen.
    std::string prefix(object.text_at({"metadata", "generateName"}));
    if (!prefix.empty()) {
        const std::string shown = prefix;
        if (prefix.ends_with('-')) {
            prefix.back() = 'a';
        }
        if (const auto complaint = check_name(type.name_rule, prefix)) {
            errors.push_back(invalid("metadata.generateName", shown, *complaint));
        }
    }
    const std::string_view name = object::name(object);
    if (name.empty()) {
        errors.push_back(required("metadata.name", "name or generateName is required"));
    } else if (const auto complaint = check_name(type.name_rule, name)) {
        errors.push_back(invalid("metadata.name", name, *complaint));
    }
    const std::string_view ns = object::ns(object);
    if (!type.namespaced && !ns.empty()) {
        errors.push_back(forbidden("metadata.namespace", "not allowed on this type"));
    } else if (type.namespaced && ns.empty()) {
        errors.push_back(required("metadata.namespace"));
    } else if (type.namespaced) {
        if (const auto complaint = object::check_dns1123_label(ns)) {
            errors.push_back(invalid("metadata.namespace", ns, *complaint));
        }
    }
}

void validate_annotations(const Value& object, FieldErrors& errors) {
    const Value* annotations = object::annotations(object);
    if (annotations == nullptr) {
        return;
    }
    std::size_t bytes = 0;
    for (const json::Member& member : annotations->object()) {
        // Upstream compares annotation keys in lower case.
        std::string key = member.key;
        std::ranges::transform(key, key.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        if (const auto complaint = object::check_qualified_name(key)) {
            errors.push_back(invalid("metadata.annotations", member.key, *complaint));
        }
        bytes += member.key.size() + member.value.string().value_or("").size();
    }
    if (bytes > kMaxAnnotationBytes) {
        errors.push_back(too_long("metadata.annotations", kMaxAnnotationBytes));
    }
}

void validate_owners(const Value& object, FieldErrors& errors) {
    const auto owners = object::owner_references(object);
    std::string controller;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const std::string field = fmt::format("metadata.ownerReferences[{}]", i);
        const auto require = [&](std::string_view name, const std::string& value) {
            if (value.empty()) {
                errors.push_back(required(fmt::format("{}.{}", field, name), "must not be empty"));
            }
        };
        require("apiVersion", owners[i].api_version);
        require("kind", owners[i].kind);
        require("name", owners[i].name);
        require("uid", owners[i].uid);
        if (std::ranges::count(owners[i].api_version, '/') > 1) {
            errors.push_back(invalid(
                field + ".apiVersion", owners[i].api_version,
                "must be <group>/<version> or <version>"
            ));
        }
        if (owners[i].api_version == "v1" && owners[i].kind == "Event") {
            const Value& reference = object.at_path({"metadata", "ownerReferences"})->array()[i];
            errors.push_back(
                invalid(field, reference, "/v1, Kind=Event is disallowed from being an owner")
            );
        }
        if (!owners[i].controller) {
            continue;
        }
        const std::string owner = fmt::format("{}/{}", owners[i].kind, owners[i].name);
        if (!controller.empty()) {
            errors.push_back(invalid(
                "metadata.ownerReferences", *object.at_path({"metadata", "ownerReferences"}),
                fmt::format(
                    "Only one reference can have Controller set to true. Found \"true\" in "
                    "references for {} and {}",
                    controller, owner
                )
            ));
        }
        controller = owner;
    }
}

void validate_finalizers(const Value& object, FieldErrors& errors) {
    const auto finalizers = object::finalizers(object);
    for (std::size_t i = 0; i < finalizers.size(); ++i) {
        validate_finalizer(
            finalizers[i], "metadata.finalizers", fmt::format("metadata.finalizers[{}]", i), errors
        );
    }
}

std::string go_string_list(const std::vector<std::string>& texts) {
    std::string result = "[]string{";
    for (const std::string& text : texts) {
        result += (&text != texts.data() ? ", " : "") + Value::of(text).dump();
    }
    return result + "}";
}

void validate_no_new_finalizers(const Value& updated, const Value& current, FieldErrors& errors) {
    const auto known = object::finalizers(current);
    std::vector<std::string> added;
    for (std::string& finalizer : object::finalizers(updated)) {
        if (std::ranges::find(known, finalizer) == known.end()) {
            added.push_back(std::move(finalizer));
        }
    }
    if (object::is_deleting(current) && !added.empty()) {
        errors.push_back(forbidden(
            "metadata.finalizers",
            "no new finalizers can be added if the object is being deleted, "
            "found new finalizers " +
                go_string_list(added)
        ));
    }
}

}  // namespace

void validate_finalizer(
    const std::string& finalizer, const std::string& list, const std::string& element,
    FieldErrors& errors
) {
    if (const auto complaint = object::check_qualified_name(finalizer)) {
        errors.push_back(invalid(list, finalizer, *complaint));
    }
    constexpr std::array<std::string_view, 3> kStandard = {
        "kubernetes", "orphan", "foregroundDeletion"
    };
    if (!finalizer.contains('/') && std::ranges::find(kStandard, finalizer) == kStandard.end()) {
        errors.push_back(invalid(
            element, finalizer,
            "name is neither a standard finalizer name nor is it fully qualified"
        ));
    }
}

void validate_labels(const json::Value* labels, const std::string& field, FieldErrors& errors) {
    if (labels == nullptr) {
        return;
    }
    for (const json::Member& member : labels->object()) {
        if (const auto complaint = object::check_qualified_name(member.key)) {
            errors.push_back(invalid(field, member.key, *complaint));
        }
        const std::string_view value = member.value.string().value_or("");
        if (const auto complaint = object::check_label_value(value)) {
            errors.push_back(invalid(field, value, *complaint));
        }
    }
}

void validate_metadata(const ResourceType& type, const json::Value& object, FieldErrors& errors) {
    validate_names(type, object, errors);
    validate_labels(object::labels(object), "metadata.labels", errors);
    validate_annotations(object, errors);
    validate_owners(object, errors);
    validate_finalizers(object, errors);
}

void validate_metadata_update(
    const ResourceType& type, const json::Value& updated, const json::Value& current,
    FieldErrors& errors
) {
    validate_metadata(type, updated, errors);
    validate_no_new_finalizers(updated, current, errors);
    for (const std::string_view field : {"name", "namespace", "uid", "deletionTimestamp"}) {
        const std::string_view now = updated.text_at({"metadata", field});
        if (now != current.text_at({"metadata", field})) {
            errors.push_back(invalid(fmt::format("metadata.{}", field), now, kImmutable));
        }
    }
    const Value* grace = updated.at_path({"metadata", "deletionGracePeriodSeconds"});
    const Value* before = current.at_path({"metadata", "deletionGracePeriodSeconds"});
    if (grace != nullptr && (before == nullptr || *grace != *before)) {
        errors.push_back(invalid("metadata.deletionGracePeriodSeconds", *grace, kImmutable));
    }
}

}  // namespace farhold::kubeschema
