// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/discovery.hpp"

#include "common/base/encoding.hpp"
#include "common/base/sha256.hpp"
#include "common/kuberest/representation.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farhold::kuberest {
namespace {

using json::Value;
using kubeschema::Registry;
using kubeschema::ResourceTypePtr;
using kubeschema::Subresource;

constexpr std::string_view kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

Value texts(const std::vector<std::string>& list) {
    Value array = Value::make_array();
    for (const std::string& text : list) {
        array.push_back(Value::of(text));
    }
    return array;
}

Value document(std::string_view kind, std::string_view api_version) {
    Value object = Value::make_object();
    object.set("kind", Value::of(kind));
    object.set("apiVersion", Value::of(api_version));
    return object;
}

// Groups beside the core one, in the registry's order.
std::vector<std::string> named_groups(const Registry& registry) {
    std::vector<std::string> groups;
    for (const ResourceTypePtr& type : registry.all()) {
        if (!type->group.empty() && std::ranges::find(groups, type->group) == groups.end()) {
            groups.push_back(type->group);
        }
    }
    return groups;
}

std::vector<std::string> versions_of(const Registry& registry, std::string_view group) {
    std::vector<std::string> versions;
    for (const ResourceTypePtr& type : registry.all()) {
        if (type->group == group && std::ranges::find(versions, type->version) == versions.end()) {
            versions.push_back(type->version);
        }
    }
    return versions;
}

std::vector<ResourceTypePtr> types_of(
    const Registry& registry, std::string_view group, std::string_view version
) {
    std::vector<ResourceTypePtr> types;
    for (const ResourceTypePtr& type : registry.all()) {
        if (type->group == group && type->version == version) {
            types.push_back(type);
        }
    }
    return types;
}

std::string group_version(std::string_view group, std::string_view version) {
    return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

Value version_entry(std::string_view group, std::string_view version) {
    Value entry = Value::make_object();
    entry.set("groupVersion", Value::of(group_version(group, version)));
    entry.set("version", Value::of(version));
    return entry;
}

Value group_entry(const Registry& registry, const std::string& group) {
    const std::vector<std::string> versions = versions_of(registry, group);
    Value entry = Value::make_object();
    entry.set("name", Value::of(group));
    for (const std::string& version : versions) {
        entry["versions"].push_back(version_entry(group, version));
    }
    entry.set("preferredVersion", version_entry(group, versions.front()));
    return entry;
}

// The form of one GET per group version, which kubectl up to 1.26 uses.
Value resource_entry(const ResourceType& type) {
    Value entry = Value::make_object();
    entry.set("name", Value::of(type.plural));
    entry.set("singularName", Value::of(type.singular));
    entry.set("namespaced", Value::of(type.namespaced));
    entry.set("kind", Value::of(type.kind));
    entry.set("verbs", texts(type.verbs));
    if (!type.short_names.empty()) {
        entry.set("shortNames", texts(type.short_names));
    }
    if (!type.categories.empty()) {
        entry.set("categories", texts(type.categories));
    }
    return entry;
}

Value subresource_entry(const ResourceType& type, const Subresource& subresource) {
    Value entry = Value::make_object();
    entry.set("name", Value::of(type.plural + "/" + subresource.name));
    entry.set("singularName", Value::of(""));
    entry.set("namespaced", Value::of(type.namespaced));
    if (!subresource.version.empty()) {
        entry.set("group", Value::of(subresource.group));
        entry.set("version", Value::of(subresource.version));
    }
    entry.set("kind", Value::of(subresource.kind.empty() ? type.kind : subresource.kind));
    entry.set("verbs", texts(subresource.verbs));
    return entry;
}

Value resource_list(const Registry& registry, std::string_view group, std::string_view version) {
    Value list = Value::make_object();
    list.set("kind", Value::of("APIResourceList"));
    // Upstream tells the version of the list in every group but the first one.
    if (!group.empty()) list.set("apiVersion", Value::of("v1"));
    list.set("groupVersion", Value::of(group_version(group, version)));
    Value& resources = list.set("resources", Value::make_array());
    for (const ResourceTypePtr& type : types_of(registry, group, version)) {
        resources.push_back(resource_entry(*type));
        for (const Subresource& subresource : type->subresources) {
            resources.push_back(subresource_entry(*type, subresource));
        }
    }
    return list;
}

// The aggregated form: everything in one answer. Group and version are told only where they differ
// from the list's own.
Value response_kind(std::string_view group, std::string_view version, std::string_view kind) {
    Value entry = Value::make_object();
    entry.set("group", Value::of(group));
    entry.set("version", Value::of(version));
    entry.set("kind", Value::of(kind));
    return entry;
}

Value aggregated_resource(const ResourceType& type) {
    Value entry = Value::make_object();
    entry.set("resource", Value::of(type.plural));
    entry.set("responseKind", response_kind("", "", type.kind));
    entry.set("scope", Value::of(type.namespaced ? "Namespaced" : "Cluster"));
    entry.set("singularResource", Value::of(type.singular));
    entry.set("verbs", texts(type.verbs));
    if (!type.short_names.empty()) {
        entry.set("shortNames", texts(type.short_names));
    }
    if (!type.categories.empty()) {
        entry.set("categories", texts(type.categories));
    }
    for (const Subresource& subresource : type.subresources) {
        Value part = Value::make_object();
        part.set("subresource", Value::of(subresource.name));
        part.set(
            "responseKind", response_kind(
                                subresource.group, subresource.version,
                                subresource.kind.empty() ? type.kind : subresource.kind
                            )
        );
        part.set("verbs", texts(subresource.verbs));
        entry["subresources"].push_back(std::move(part));
    }
    return entry;
}

Value aggregated_group(const Registry& registry, const std::string& group) {
    Value entry = Value::make_object();
    Value& metadata = entry.set("metadata", Value::make_object());
    if (!group.empty()) {
        metadata.set("name", Value::of(group));
    }
    for (const std::string& version : versions_of(registry, group)) {
        Value served = Value::make_object();
        served.set("version", Value::of(version));
        served.set("freshness", Value::of("Current"));
        for (const ResourceTypePtr& type : types_of(registry, group, version)) {
            served["resources"].push_back(aggregated_resource(*type));
        }
        entry["versions"].push_back(std::move(served));
    }
    return entry;
}

bool wants_aggregated(const Request& request) {
    for (const MediaRange& range : parse_accept(request.accept)) {
        if (range.type == "application/json") {
            if (range.as.empty()) {
                return false;
            }
            if (range.as == "APIGroupDiscoveryList" && range.version == "v2") {
                return true;
            }
        }
    }
    return false;
}

Response aggregated(const Registry& registry, const Request& request, bool core) {
    Value list = document("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2");
    list.set("metadata", Value::make_object());
    Value& items = list.set("items", Value::make_array());
    if (core) {
        items.push_back(aggregated_group(registry, ""));
    } else {
        for (const std::string& group : named_groups(registry)) {
            items.push_back(aggregated_group(registry, group));
        }
    }
    Response response(200, list.dump());
    const std::string etag = fmt::format("\"{}\"", hex_encode(sha256(response.body)));
    if (request.if_none_match == etag) {
        response = Response(304, "");
    }
    response.content_type = response.code == 200 ? kAggregated : "";
    response.headers = {{"ETag", etag}, {"Cache-Control", "public"}, {"Vary", "Accept"}};
    return response;
}

Response legacy_core(const Registry& registry, const Request& request) {
    Value versions = Value::make_object();
    versions.set("kind", Value::of("APIVersions"));
    versions.set("versions", texts(versions_of(registry, "")));
    Value address = Value::make_object();
    address.set("clientCIDR", Value::of("0.0.0.0/0"));
    address.set("serverAddress", Value::of(request.host));
    versions["serverAddressByClientCIDRs"].push_back(std::move(address));
    return {200, versions.dump()};
}

Response legacy_groups(const Registry& registry) {
    Value list = document("APIGroupList", "v1");
    Value& groups = list.set("groups", Value::make_array());
    for (const std::string& group : named_groups(registry)) {
        groups.push_back(group_entry(registry, group));
    }
    return {200, list.dump()};
}

}  // namespace

Response page_not_found() {
    Response response(404, "404 page not found\n");
    response.content_type = "text/plain; charset=utf-8";
    return response;
}

std::string version_document() {
    Value version = Value::make_object();
    version.set("major", Value::of("1"));
    version.set("minor", Value::of("34"));
    version.set("gitVersion", Value::of("v1.34.0+farhold." FARHOLD_VERSION));
    version.set("gitCommit", Value::of(""));
    version.set("gitTreeState", Value::of("clean"));
    version.set("buildDate", Value::of("1970-01-01T00:00:00Z"));
    version.set("goVersion", Value::of(""));
    version.set("compiler", Value::of("clang"));
#if defined(__aarch64__)
    version.set("platform", Value::of("linux/arm64"));
#else
    version.set("platform", Value::of("linux/amd64"));
#endif
    return version.dump();
}

ApiResult<Response> discover(
    const Registry& registry, const Request& request, const std::vector<std::string_view>& elements
) {
    if (request.method != "GET") {
        return refuse(method_not_allowed());
    }
    const bool core = elements[0] == "api";
    if (elements.size() == 1) {
        if (wants_aggregated(request)) {
            return aggregated(registry, request, core);
        }
        return core ? legacy_core(registry, request) : legacy_groups(registry);
    }
    const std::string group(core ? "" : elements[1]);
    const std::vector<std::string> versions = versions_of(registry, group);
    if (versions.empty()) {
        return page_not_found();
    }
    if (!core && elements.size() == 2) {
        Value entry = group_entry(registry, group);
        entry.set("kind", Value::of("APIGroup"));
        entry.set("apiVersion", Value::of("v1"));
        return Response(200, entry.dump());
    }
    const std::string_view version = elements[core ? 1 : 2];
    if (std::ranges::find(versions, version) == versions.end()) {
        return refuse(no_such_resource());
    }
    return Response(200, resource_list(registry, group, version).dump());
}

}  // namespace farhold::kuberest
