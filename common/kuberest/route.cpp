// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/route.hpp"

#include "common/base/url_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace farhold::kuberest {
namespace {

using Elements = std::span<const std::string_view>;

// Anything but a clear no, as upstream has it ("watch=foo" is a watch).
bool asks_for_watch(const Query& query) {
    const auto watch = find_parameter(query, "watch");
    return watch && *watch != "false" && *watch != "0";
}

// An empty text when the method means nothing here.
std::string verb_of(const Request& request, std::string_view name, bool subresource) {
    const bool collection = name.empty();
    if (request.method == "GET") {
        if (!collection) {
            return "get";
        }
        return asks_for_watch(request.query) ? "watch" : "list";
    }
    if (request.method == "POST") {
        return collection || subresource ? "create" : "";
    }
    if (request.method == "DELETE") {
        return collection ? "deletecollection" : "delete";
    }
    if (request.method == "PUT") {
        return collection ? "" : "update";
    }
    if (request.method == "PATCH") {
        return collection ? "" : "patch";
    }
    return "";
}

// Splits "namespaces/NS/pods/NAME/status" and the forms without namespace, name or subresource.
ApiResult<Target> read_resource(
    const kubeschema::Registry& registry, std::string_view group, std::string_view version,
    Elements rest
) {
    Target target;
    // namespaces/NS/status is a subresource of a namespace, anything else there is in it.
    if (rest.size() >= 3 && rest[0] == "namespaces") {
        const auto namespaces = registry.find(group, version, "namespaces");
        if (!namespaces || rest.size() > 3 || namespaces->find_subresource(rest[2]) == nullptr) {
            target.ns = rest[1];
            rest = rest.subspan(2);
        }
    }
    const bool is_proxy = rest.size() >= 3 && rest[2] == "proxy";
    if (rest.size() > 3 && !is_proxy) {
        return refuse(no_such_resource());
    }
    for (const std::string_view element : rest.subspan(std::min<std::size_t>(rest.size(), 3))) {
        target.rest += fmt::format("/{}", element);
    }
    target.type = registry.find(group, version, rest[0]);
    if (!target.type || (!target.ns.empty() && !target.type->namespaced)) {
        return refuse(no_such_resource());
    }
    target.name = rest.size() > 1 ? rest[1] : "";
    target.subresource = rest.size() > 2 ? rest[2] : "";
    if (target.type->namespaced && target.ns.empty() && !target.name.empty()) {
        return refuse(no_such_resource());
    }
    return target;
}

}  // namespace

std::vector<std::string_view> path_elements(std::string_view path) {
    return split(path, '/');
}

RequestedResource requested_resource(
    const Request& request, const std::vector<std::string_view>& elements
) {
    const bool core = elements[0] == "api";
    RequestedResource asked;
    asked.group = core ? "" : elements[1];
    Elements rest = Elements(elements).subspan(core ? 2 : 3);
    const bool inside =
        rest.size() >= 3 && rest[0] == "namespaces" && rest[2] != "status" && rest[2] != "finalize";
    if (rest.size() >= 2 && rest[0] == "namespaces") {
        asked.ns = rest[1];
    }
    if (inside) {
        rest = rest.subspan(2);
    }
    asked.plural = rest[0];
    asked.name = rest.size() > 1 ? rest[1] : "";
    asked.subresource = rest.size() > 2 ? rest[2] : "";
    asked.verb = verb_of(request, asked.name, !asked.subresource.empty());
    return asked;
}

ApiResult<Target> find_target(
    const kubeschema::Registry& registry, const Request& request,
    const std::vector<std::string_view>& elements
) {
    const bool core = elements[0] == "api";
    const std::string_view group = core ? "" : elements[1];
    const std::size_t head = core ? 2 : 3;
    if (elements.size() <= head) {
        return refuse(no_such_resource());
    }
    ApiResult<Target> target =
        read_resource(registry, group, elements[head - 1], Elements(elements).subspan(head));
    if (!target) {
        return target;
    }
    target->verb = verb_of(request, target->name, !target->subresource.empty());
    // Nothing is kept of it that could have a name.
    if (target->type->is_review && !target->name.empty()) {
        return refuse(no_such_resource());
    }
    if (target->subresource.empty()) {
        // Objects in a namespace are listed over all of them, but not created or deleted.
        const bool reads = target->verb == "list" || target->verb == "watch";
        const bool placed = !target->type->namespaced || !target->ns.empty();
        if (!target->type->has_verb(target->verb) || (!placed && !reads)) {
            return refuse(method_not_allowed());
        }
        return target;
    }
    const kubeschema::Subresource* subresource =
        target->type->find_subresource(target->subresource);
    if (subresource == nullptr) {
        return refuse(no_such_resource());
    }
    if (std::ranges::find(subresource->verbs, target->verb) == subresource->verbs.end()) {
        return refuse(method_not_allowed());
    }
    return target;
}

}  // namespace farhold::kuberest
