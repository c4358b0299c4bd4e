// SPDX-License-Identifier: Apache-2.0
//
// POST on a collection, and PUT of a missing object where the kind allows that.
#include "common/kuberest/body.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/write_rules.hpp"
#include "common/kubeschema/writes.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::kuberest {
namespace {

constexpr int kNameAttempts = 8;
constexpr int kSuffixLength = 5;
constexpr std::size_t kGeneratedPrefixMax = 58;

// Takes the namespace of the path; another one in the body is refused.
ApiResult<> place(const Call& call, json::Value& object) {
    const std::string_view ns = object::ns(object);
    if (call.type().namespaced && !ns.empty() && ns != call.target.ns) {
        return refuse(bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        ));
    }
    if (call.type().namespaced) {
        object.ensure_path({"metadata", "namespace"}) = json::Value::of(call.target.ns);
    } else if (!ns.empty()) {
        object.ensure_path({"metadata"}).erase("namespace");
    }
    return {};
}

ApiResult<> check_free(const Call& call, std::string_view name) {
    const auto found = load(call.store, call.type(), call.target.ns, name);
    if (!found) {
        return refuse(found.error());
    }
    if (!found->has_value()) {
        return {};
    }
    return refuse(
        object::is_deleting((*found)->object) ? ends_and_exists(call.type(), name)
                                              : already_exists(call.type(), name)
    );
}

// Makes a name from metadata.generateName, one that no other object has.
ApiResult<> generate_name(const Call& call, json::Value& object) {
    const std::string prefix(object.text_at({"metadata", "generateName"}));
    if (!object::name(object).empty() || prefix.empty()) {
        return {};
    }
    std::string name;
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
        name = prefix.substr(0, kGeneratedPrefixMax) + call.random.suffix(kSuffixLength);
        const ApiResult<> is_free = check_free(call, name);
        if (is_free) {
            object.ensure_path({"metadata", "name"}) = json::Value::of(name);
            return {};
        }
        if (is_free.error().code != 409) {
            return is_free;
        }
    }
    return refuse(name_not_unique(call.type(), name));
}

}  // namespace

ApiResult<Response> finish_create(
    const Call& call, json::Value object, const WriteOptions& options,
    const std::vector<std::string>& warnings
) {
    const ResourceType& type = call.type();
    if (type.is_ending) {
        return refuse(definition_terminating());
    }
    if (!object::resource_version(object).empty()) {
        return refuse(plain_error("resourceVersion should not be set on objects to be created"));
    }
    if (const ApiResult<> placed = place(call, object); !placed) {
        return refuse(placed.error());
    }
    const ApiResult<> welcome = check_namespace(call, object::name(object), true);
    if (!welcome) {
        return refuse(welcome.error());
    }
    if (const ApiResult<> named = generate_name(call, object); !named) {
        return refuse(named.error());
    }
    kubeschema::prepare_create(type, object);
    json::Value& metadata = object.ensure_path({"metadata"});
    metadata.set("uid", json::Value::of(call.random.uuid()));
    metadata.set("creationTimestamp", json::Value::of(object::format_time(call.now)));
    kubeschema::FieldErrors errors = kubeschema::validate_create(type, object);
    if (errors.empty()) {
        errors = check_references(call, object);
    }
    if (!errors.empty()) {
        return refuse(invalid(type, object::name(object), errors));
    }
    if (const ApiResult<> is_free = check_free(call, object::name(object)); !is_free) {
        return refuse(is_free.error());
    }
    const ApiResult<std::string> saved = save(call, nullptr, std::move(object), options.dry_run);
    if (!saved) {
        return refuse(saved.error());
    }
    return answer(call, 201, *saved, warnings);
}

ApiResult<Response> create_object(const Call& call) {
    const ApiResult<WriteOptions> options = read_write_options(call.request.query, "CreateOptions");
    if (!options) {
        return refuse(options.error());
    }
    ApiResult<DecodedBody> body = decode_object(call.request, kind_of(call.type()));
    if (!body) {
        return refuse(body.error());
    }
    const auto warnings = complete_object(
        call.type(), body->object, {{}, std::move(body->duplicates)}, options->field_validation
    );
    if (!warnings) {
        return refuse(warnings.error());
    }
    return finish_create(call, std::move(body->object), *options, *warnings);
}

}  // namespace farhold::kuberest
