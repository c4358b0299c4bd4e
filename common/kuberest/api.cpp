// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/api.hpp"

#include "common/kuberest/discovery.hpp"
#include "common/kuberest/route.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/watcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farhold::kuberest {
namespace {

// Whoever is in it may do everything; RBAC for others comes with its kinds.
constexpr std::string_view kMasters = "system:masters";

// What upstream's system:public-info-viewer may read, so that probes need no credentials.
constexpr std::array<std::string_view, 4> kPublicPaths = {"healthz", "livez", "readyz", "version"};

bool is_public(std::string_view first_element) {
    return std::ranges::find(kPublicPaths, first_element) != kPublicPaths.end();
}

ApiResult<> authorize(const Request& request, const Target& target) {
    if (request.user.in_group(kMasters)) {
        return {};
    }
    const ResourceType& type = *target.type;
    const std::string scope = target.ns.empty() ? "at the cluster scope"
                                                : fmt::format("in the namespace \"{}\"", target.ns);
    const std::string resource =
        target.subresource.empty() ? type.plural : type.plural + "/" + target.subresource;
    return refuse(forbidden(
        type, target.name,
        fmt::format(
            "User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}", request.user.name,
            target.verb, resource, type.group, scope
        )
    ));
}

ApiResult<> authorize_path(const Request& request) {
    if (request.user.in_group(kMasters)) {
        return {};
    }
    std::string verb = request.method;
    std::ranges::transform(verb, verb.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
    });
    return refuse(forbidden_path(request.user.name, verb, request.path));
}

bool serves_group(const kubeschema::Registry& registry, std::string_view group) {
    return std::ranges::any_of(registry.all(), [group](const kubeschema::ResourceTypePtr& type) {
        return type->group == group;
    });
}

Response ok_text() {
    Response response(200, "ok");
    response.content_type = "text/plain; charset=utf-8";
    return response;
}

using Verb = ApiResult<Response> (*)(const Call&);

Verb find_verb(const Target& target) {
    if (target.subresource == "binding") {
        return bind_pod;
    }
    static constexpr std::array<std::pair<std::string_view, Verb>, 8> kVerbs = {{
        {"get", get_object},
        {"list", list_objects},
        {"watch", watch_objects},
        {"create", create_object},
        {"update", update_object},
        {"patch", patch_object},
        {"delete", delete_object},
        {"deletecollection", delete_collection},
    }};
    for (const auto& [name, verb] : kVerbs) {
        if (name == target.verb) {
            return verb;
        }
    }
    return nullptr;
}

}  // namespace

Response Api::refusal(const Status& status) {
    Response response(status.code, status.to_json().dump());
    if (status.retry_after_seconds != 0) {
        response.headers.emplace_back("Retry-After", fmt::format("{}", status.retry_after_seconds));
    }
    return response;
}

Response Api::handle(const Request& request, WallTime now) {
    ApiResult<Response> response = dispatch(request, now);
    return response ? std::move(*response) : refusal(response.error());
}

ApiResult<Response> Api::dispatch(const Request& request, WallTime now) {
    const std::vector<std::string_view> elements = path_elements(request.path);
    const std::string_view first = elements.empty() ? std::string_view() : elements[0];
    if (is_public(first) && request.method == "GET") {
        return first == "version" ? Response(200, version_document()) : ok_text();
    }
    const bool core = first == "api";
    const std::size_t discovery_depth = core ? 2 : 3;
    if ((core || first == "apis") && elements.size() > discovery_depth) {
        return serve_resource(request, elements, now);
    }
    if (const ApiResult<> allowed = authorize_path(request); !allowed) {
        return refuse(allowed.error());
    }
    if (core || first == "apis") {
        return discover(registry_, request, elements);
    }
    if (first == "openapi") {
        return describe_openapi(registry_, request, elements);
    }
    return page_not_found();
}

ApiResult<Response> Api::serve_resource(
    const Request& request, const std::vector<std::string_view>& elements, WallTime now
) {
    if (elements[0] == "apis" && !serves_group(registry_, elements[1])) {
        const ApiResult<> allowed = authorize_path(request);
        return allowed ? ApiResult<Response>(page_not_found()) : refuse(allowed.error());
    }
    const ApiResult<Target> target = find_target(registry_, request, elements);
    if (!target) {
        // Strangers learn nothing about what there is.
        const ApiResult<> allowed = authorize_path(request);
        return refuse(allowed ? target.error() : allowed.error());
    }
    if (const ApiResult<> allowed = authorize(request, *target); !allowed) {
        return refuse(allowed.error());
    }
    const Verb verb = find_verb(*target);
    if (verb == nullptr) {
        return refuse(method_not_allowed());
    }
    return verb(Call{store_, registry_, random_, now, request, *target});
}

}  // namespace farhold::kuberest
