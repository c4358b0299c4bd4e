// SPDX-License-Identifier: Apache-2.0
//
// After apiextensions-apiserver/pkg/apis/apiextensions/validation.
#include "common/kubecrd/definition_rules.hpp"

#include "common/kubecrd/definition_status.hpp"
#include "common/kubecrd/json_path.hpp"
#include "common/object/metadata.hpp"
#include "common/object/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace farhold::kubecrd {
namespace {

using json::Value;
using kubeschema::FieldErrors;
using kubeschema::invalid;
using kubeschema::required;

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

void check_label(
    const std::string& field, std::string_view text, std::string_view shown, FieldErrors& errors
) {
    if (const auto complaint = object::check_dns1035_label(text)) {
        errors.push_back(invalid(field, shown, *complaint));
    }
}

void check_names(const Value& definition, FieldErrors& errors) {
    const Value& names = *definition.at_path({"spec", "names"});
    for (const std::string_view field : {"plural", "singular", "kind", "listKind"}) {
        const std::string path = fmt::format("spec.names.{}", field);
        const std::string_view name = names.text_at({field});
        if (name.empty()) {
            errors.push_back(required(path));
            continue;
        }
        const bool kind = field == "kind" || field == "listKind";
        check_label(path, kind ? lower(name) : std::string(name), name, errors);
    }
    for (const std::string_view field : {"shortNames", "categories"}) {
        const json::Array& list = names.elements_at({field});
        for (std::size_t i = 0; i < list.size(); ++i) {
            const std::string_view name = list[i].string().value_or("");
            check_label(fmt::format("spec.names.{}[{}]", field, i), name, name, errors);
        }
    }
    if (!names.text_at({"kind"}).empty() &&
        names.text_at({"kind"}) == names.text_at({"listKind"})) {
        errors.push_back(invalid(
            "spec.names.listKind", names.text_at({"listKind"}),
            "kind and listKind may not be the same"
        ));
    }
}

void check_group(const Value& definition, FieldErrors& errors) {
    const std::string_view group = definition.text_at({"spec", "group"});
    if (group.empty()) {
        errors.push_back(required("spec.group"));
    } else if (const auto complaint = object::check_dns1123_subdomain(group)) {
        errors.push_back(invalid("spec.group", group, *complaint));
    } else if (group.find('.') == std::string_view::npos) {
        errors.push_back(invalid("spec.group", group, "should be a domain with at least one dot"));
    }
    const std::string_view scope = definition.text_at({"spec", "scope"});
    if (scope.empty()) {
        errors.push_back(required("spec.scope"));
    } else if (scope != "Cluster" && scope != "Namespaced") {
        errors.push_back(kubeschema::unsupported("spec.scope", scope, {"Cluster", "Namespaced"}));
    }
    const std::string_view strategy = definition.text_at({"spec", "conversion", "strategy"});
    if (strategy != "None") {
        errors.push_back(kubeschema::unsupported("spec.conversion.strategy", strategy, {"None"}));
    }
}

void check_columns(const Value& version, const std::string& path, FieldErrors& errors) {
    const json::Array& columns = version.elements_at({"additionalPrinterColumns"});
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string field = fmt::format("{}.additionalPrinterColumns[{}]", path, i);
        if (columns[i].text_at({"name"}).empty()) {
            errors.push_back(required(field + ".name"));
        }
        const std::string_view type = columns[i].text_at({"type"});
        constexpr auto kTypes =
            std::to_array<std::string_view>({"integer", "number", "string", "boolean", "date"});
        if (type.empty()) {
            errors.push_back(
                required(field + ".type", "must be one of boolean,date,integer,number,string")
            );
        } else if (std::ranges::find(kTypes, type) == kTypes.end()) {
            errors.push_back(
                invalid(field + ".type", type, "must be one of boolean,date,integer,number,string")
            );
        }
        const std::string_view json_path = columns[i].text_at({"jsonPath"});
        if (json_path.empty()) {
            errors.push_back(required(field + ".jsonPath"));
        } else if (const auto parsed = JsonPath::parse(json_path); !parsed) {
            errors.push_back(invalid(field + ".jsonPath", json_path, parsed.error().message()));
        }
    }
}

void check_versions(const Value& definition, FieldErrors& errors) {
    const Value& versions = *definition.at_path({"spec", "versions"});
    const json::Array& list = versions.array();
    std::set<std::string_view> names;
    int stored = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string path = fmt::format("spec.versions[{}]", i);
        const std::string_view name = list[i].text_at({"name"});
        stored += list[i].bool_at({"storage"}) ? 1 : 0;
        check_label(path + ".name", name, name, errors);
        if (!names.insert(name).second) {
            errors.push_back(invalid("spec.versions", versions, "must contain unique version names")
            );
        }
        const Value* schema = list[i].at_path({"schema", "openAPIV3Schema"});
        if (schema == nullptr) {
            errors.push_back(required(path + ".schema.openAPIV3Schema", "schemas are required"));
        } else {
            // Upstream keeps the schema of an only version elsewhere.
            check_schema(
                *schema,
                list.size() == 1 ? "spec.validation.openAPIV3Schema"
                                 : path + ".schema.openAPIV3Schema",
                errors
            );
        }
        check_columns(list[i], path, errors);
    }
    if (list.empty()) {
        errors.push_back(invalid("spec.versions", versions, "must have at least one version"));
    } else if (stored != 1) {
        errors.push_back(invalid(
            "spec.versions", versions, "must have exactly one version marked as storage version"
        ));
        if (stored == 0) {
            errors.push_back(
                invalid("status.storedVersions", Value(), "must have at least one stored version")
            );
        }
    }
}

void check_protected(const Value& definition, FieldErrors& errors) {
    const std::string_view group = definition.text_at({"spec", "group"});
    const bool is_protected = group == "k8s.io" || group.ends_with(".k8s.io") ||
                              group == "kubernetes.io" || group.ends_with(".kubernetes.io");
    constexpr std::string_view kApproval = "api-approved.kubernetes.io";
    if (is_protected && !object::annotation(definition, kApproval)) {
        errors.push_back(required(
            fmt::format("metadata.annotations[{}]", kApproval),
            fmt::format(
                "protected groups must have approval annotation \"{}\", see "
                "https://github.com/kubernetes/enhancements/pull/1111",
                kApproval
            )
        ));
    }
}

}  // namespace

void validate_definition(const json::Value& definition, kubeschema::FieldErrors& errors) {
    const std::string name = fmt::format(
        "{}.{}", definition.text_at({"spec", "names", "plural"}),
        definition.text_at({"spec", "group"})
    );
    if (object::name(definition) != name) {
        errors.push_back(invalid(
            "metadata.name", object::name(definition), "must be spec.names.plural+\".\"+spec.group"
        ));
    }
    check_group(definition, errors);
    const Value* versions = definition.at_path({"spec", "versions"});
    if (versions == nullptr || !versions->is_array()) {
        errors.push_back(required("spec.versions", "must have at least one version"));
    } else {
        check_versions(definition, errors);
    }
    check_names(definition, errors);
    check_protected(definition, errors);
}

void validate_definition_update(
    const json::Value& updated, const json::Value& current, kubeschema::FieldErrors& errors
) {
    const auto fixed = [&](json::Path path, const std::string& field) {
        if (updated.text_at(path) != current.text_at(path)) {
            errors.push_back(invalid(field, updated.text_at(path), "field is immutable"));
        }
    };
    fixed({"spec", "group"}, "spec.group");
    fixed({"spec", "names", "plural"}, "spec.names.plural");
    if (is_established(current)) {
        fixed({"spec", "scope"}, "spec.scope");
        fixed({"spec", "names", "kind"}, "spec.names.kind");
    }
}

}  // namespace farhold::kubecrd
