// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/api.hpp"

#include "common/kubecrd/definition.hpp"
#include "common/kuberest/definitions.hpp"
#include "common/kuberest/discovery.hpp"
#include "common/kuberest/representation.hpp"
#include "common/kuberest/route.hpp"
#include "common/kuberest/token_request.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/watcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farhold::kuberest {
namespace {

// What upstream's system:public-info-viewer may read, so that probes need no credentials.
constexpr std::array<std::string_view, 4> kPublicPaths = {"healthz", "livez", "readyz", "version"};

bool is_public(std::string_view first_element) {
    return std::ranges::find(kPublicPaths, first_element) != kPublicPaths.end();
}

// What a user asks about itself it may ask.
bool is_about_self(const Request& request, const RequestedResource& asked) {
    return asked.verb == "create" && asked.plural.starts_with("selfsubject") &&
           asked.group.starts_with("auth") && request.user.in_group("system:authenticated");
}

ApiResult<> authorize(const Request& request, const RequestedResource& asked) {
    if (request.user.is_master() || is_about_self(request, asked)) {
        return {};
    }
    const std::string scope = asked.ns.empty() ? "at the cluster scope"
                                               : fmt::format("in the namespace \"{}\"", asked.ns);
    const std::string resource =
        asked.subresource.empty() ? asked.plural : asked.plural + "/" + asked.subresource;
    return refuse(forbidden(
        asked.group, asked.plural, asked.name,
        fmt::format(
            "User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}", request.user.name,
            asked.verb, resource, asked.group, scope
        )
    ));
}

ApiResult<> authorize_path(const Request& request) {
    if (request.user.is_master()) {
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
    if (target.type->is_review) {
        return answer_review;
    }
    if (target.subresource == "binding") {
        return bind_pod;
    }
    if (target.subresource == "token") {
        return create_token;
    }
    if (target.subresource == "eviction") {
        return evict_pod;
    }
    static constexpr std::array<std::string_view, 5> kOfMachines = {
        "attach", "exec", "log", "portforward", "proxy"
    };
    if (std::ranges::find(kOfMachines, target.subresource) != kOfMachines.end()) {
        return connect_node;
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

Api::Api(
    kubestore::Store& store, kubeschema::Registry registry, Random random, AccountTokens tokens
)
    : store_(store),
      registry_(std::move(registry)),
      random_(std::move(random)),
      tokens_(std::move(tokens)) {
    registry_.add(kubecrd::make_definition_type());
}

Response Api::refusal(const Status& status) {
    Response response(status.code, status.to_json().dump());
    if (status.retry_after_seconds != 0) {
        response.headers.emplace_back("Retry-After", fmt::format("{}", status.retry_after_seconds));
    }
    return response;
}

Response Api::handle(const Request& request, WallTime now) {
    if (!definitions_loaded_) {
        if (const Result<void> loaded = load_definitions(store_, registry_); !loaded) {
            return refusal(internal_error(loaded.error()));
        }
        definitions_loaded_ = true;
    }
    ApiResult<Response> response = authenticate(request, now);
    return response ? std::move(*response) : refusal(response.error());
}

ApiResult<Response> Api::authenticate(const Request& request, WallTime now) {
    if (request.bearer_token.empty()) {
        return dispatch(request, now);
    }
    auto user = user_of_token(store_, registry_, tokens_, request.bearer_token, now);
    if (!user) {
        return refuse(user.error());
    }
    Request known = request;
    known.user = std::move(*user);
    return dispatch(known, now);
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
    // Strangers learn nothing about what there is.
    if (const ApiResult<> allowed = authorize(request, requested_resource(request, elements));
        !allowed) {
        return refuse(allowed.error());
    }
    if (elements[0] == "apis" && !serves_group(registry_, elements[1])) {
        return page_not_found();
    }
    const ApiResult<Target> target = find_target(registry_, request, elements);
    if (!target) {
        return refuse(target.error());
    }
    const Verb verb = find_verb(*target);
    // What cannot be answered is not done. A machine's answers have a form of their own.
    const ApiResult<Representation> form = Representation::choose(request);
    if (verb != connect_node && !form) {
        return refuse(form.error());
    }
    if (verb == nullptr) {
        return refuse(method_not_allowed());
    }
    const Call call{store_, registry_, random_, tokens_, now, request, *target};
    ApiResult<Response> response = verb(call);
    if (response) {
        const ApiResult<> followed = follow_definitions(call, registry_);
        if (!followed) {
            return refuse(followed.error());
        }
    }
    return response;
}

}  // namespace farhold::kuberest
