// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/write_rules.hpp"

#include "common/kubeschema/writes.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace farhold::kuberest {
namespace {

constexpr std::array<std::string_view, 3> kProtectedNamespaces = {
    "default", "kube-system", "kube-public"
};

kubeschema::Part part_of(const Target& target) {
    if (target.subresource == "status") {
        return kubeschema::Part::status;
    }
    return target.subresource == "finalize" ? kubeschema::Part::finalize : kubeschema::Part::main;
}

// A resourceVersion in the body is a precondition; where the kind insists, it must be there.
ApiResult<> check_revision(
    const Call& call, const json::Value& updated, const kubestore::Record& current
) {
    const std::string_view given = object::resource_version(updated);
    if (given.empty() || given == "0") {
        if (call.target.verb == "update" && !call.type().allow_unconditional_update) {
            return refuse(missing_resource_version(call.type(), call.target.name));
        }
        return {};
    }
    if (given.find_first_not_of("0123456789") != std::string_view::npos) {
        return refuse(
            plain_error(fmt::format("strconv.ParseUint: parsing \"{}\": invalid syntax", given))
        );
    }
    if (given != fmt::format("{}", current.revision)) {
        return refuse(modified_meanwhile(call.type(), call.target.name));
    }
    return {};
}

// Objects in the store always have one, and comparing must not see it.
void take_revision_of(json::Value& object, const json::Value& current) {
    object.ensure_path({"metadata", "resourceVersion"}) =
        json::Value::of(object::resource_version(current));
}

}  // namespace

ApiResult<> check_namespace(const Call& call, std::string_view name, bool creating) {
    const std::string& ns = call.target.ns;
    if (ns.empty()) {
        return {};
    }
    const auto namespaces = call.registry.find("", "v1", "namespaces");
    const ApiResult<std::optional<StoredObject>> found = load(call.store, *namespaces, "", ns);
    if (!found) {
        return refuse(found.error());
    }
    if (!found->has_value()) {
        return refuse(not_found(*namespaces, ns));
    }
    if (creating && object::is_deleting((*found)->object)) {
        return refuse(namespace_terminating(call.type(), name, ns));
    }
    return {};
}

ApiResult<> check_deletable(const Call& call) {
    const ResourceType& type = call.type();
    const bool is_namespace = type.group.empty() && type.plural == "namespaces";
    if (is_namespace &&
        std::ranges::find(kProtectedNamespaces, call.target.name) != kProtectedNamespaces.end()) {
        return refuse(forbidden(type, call.target.name, "this namespace may not be deleted"));
    }
    return {};
}

ApiResult<> check_identity(const Call& call, json::Value& object) {
    const std::string_view name = object::name(object);
    if (name.empty()) {
        return refuse(bad_request(fmt::format(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            call.target.name
        )));
    }
    if (name != call.target.name) {
        return refuse(bad_request(fmt::format(
            "the name of the object ({}) does not match the name on the URL ({})", name,
            call.target.name
        )));
    }
    const std::string_view ns = object::ns(object);
    if (!ns.empty() && ns != call.target.ns) {
        return refuse(bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        ));
    }
    json::Value& metadata = object.ensure_path({"metadata"});
    if (call.type().namespaced) {
        metadata.set("namespace", json::Value::of(call.target.ns));
    }
    return {};
}

std::vector<std::string> FieldFindings::sentences() const {
    std::vector<std::string> texts;
    for (const std::string& path : unknown) {
        texts.push_back(fmt::format("unknown field \"{}\"", path));
    }
    for (const std::string& path : duplicates) {
        texts.push_back(fmt::format("duplicate field \"{}\"", path));
    }
    return texts;
}

ApiResult<std::vector<std::string>> complete_object(
    const ResourceType& type, json::Value& object, FieldFindings findings,
    FieldValidation validation
) {
    const Result<void> conformed = kubeschema::conform(type, object, findings.unknown);
    if (!conformed) {
        return refuse(bad_request(conformed.error().message()));
    }
    std::vector<std::string> sentences = findings.sentences();
    if (validation == FieldValidation::strict && !sentences.empty()) {
        return refuse(bad_request(fmt::format(
            "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}", type.kind,
            type.version, type.kind, fmt::join(sentences, ", ")
        )));
    }
    if (validation == FieldValidation::ignore) {
        sentences.clear();
    }
    kubeschema::apply_defaults(type, object);
    return sentences;
}

kubeschema::FieldErrors check_references(const Call& call, const json::Value& object) {
    kubeschema::FieldErrors errors;
    if (!call.type().check_references) {
        return errors;
    }
    const auto find = [&call](
                          kubeschema::ResourceName resource, std::string_view ns,
                          std::string_view name
                      ) -> std::optional<json::Value> {
        for (const kubeschema::ResourceTypePtr& type : call.registry.all()) {
            if (type->group == resource.group && type->plural == resource.plural) {
                auto found = load(call.store, *type, ns, name);
                return found && *found ? std::optional(std::move((*found)->object)) : std::nullopt;
            }
        }
        return std::nullopt;
    };
    call.type().check_references(object, find, errors);
    return errors;
}

ApiResult<Response> finish_update(const Call& call, UpdateInput input) {
    const ResourceType& type = call.type();
    const kubeschema::Part part = part_of(call.target);
    const StoredObject& current = input.current;
    json::Value& updated = input.updated;
    if (const ApiResult<> checked = check_revision(call, updated, current.record); !checked) {
        return refuse(checked.error());
    }
    kubeschema::prepare_update(type, updated, current.object, part);
    take_revision_of(updated, current.object);
    kubeschema::FieldErrors errors =
        kubeschema::validate_update(type, updated, current.object, part);
    const json::Value* spec = updated.find("spec");
    const json::Value* spec_before = current.object.find("spec");
    if (errors.empty() && spec != nullptr && (spec_before == nullptr || *spec != *spec_before)) {
        errors = check_references(call, updated);
    }
    if (!errors.empty()) {
        return refuse(invalid(type, call.target.name, errors));
    }
    // Controllers that write what is there already would otherwise wake themselves for ever.
    if (updated == current.object) {
        return answer(call, 200, *current.record.body, input.warnings);
    }
    const bool finished = object::is_deleting(updated) && !has_finalizers(updated) &&
                          updated.integer_at({"metadata", "deletionGracePeriodSeconds"}) == 0;
    if (finished) {
        if (const ApiResult<> done = erase(call, current, input.options.dry_run); !done) {
            return refuse(done.error());
        }
        return answer(call, 200, updated.dump(), input.warnings);
    }
    const ApiResult<std::string> saved =
        save(call, &current, std::move(updated), input.options.dry_run);
    if (!saved) {
        return refuse(saved.error());
    }
    return answer(call, 200, *saved, input.warnings);
}

}  // namespace farhold::kuberest
