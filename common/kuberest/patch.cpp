// SPDX-License-Identifier: Apache-2.0
//
// PATCH in its three forms. Server-side apply is answered with 415: an apply that does not track
// who owns a field would lose changes in silence.
#include "common/object/patch.hpp"

#include "common/kuberest/body.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/write_rules.hpp"
#include "common/kubeschema/writes.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kuberest {
namespace {

constexpr std::string_view kJsonPatch = "application/json-patch+json";
constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::string_view kStrategicPatch = "application/strategic-merge-patch+json";

Status refused_patch(const Error& error) {
    switch (error.code()) {
        case ErrorCode::conflict:
            return unprocessable_patch();
        case ErrorCode::resource_exhausted:
            return too_many_operations(error.message());
        case ErrorCode::internal:
            return plain_error(error.message());
        default:
            return invalid_patch(error.message(), "the patch does not fit the object");
    }
}

ApiResult<> apply_patch(
    const ResourceType& type, std::string_view form, json::Value& target, const json::Value& patch
) {
    if (form == kMergePatch) {
        object::merge_patch(target, patch);
        return {};
    }
    // Which kind it is says the path, whatever a strategic patch says.
    const Result<void> applied = form == kJsonPatch
                                     ? object::json_patch(target, patch)
                                     : object::strategic_merge_patch(target, patch, *type.message);
    if (!applied) {
        return refuse(refused_patch(applied.error()));
    }
    if (form == kStrategicPatch) {
        for (const std::string_view key : {"apiVersion", "kind"}) {
            target.set(key, json::Value::of(key == "kind" ? type.kind : type.group_version()));
        }
    }
    return {};
}

ApiResult<std::string> patch_form(const Call& call) {
    const bool strategic = call.type().message != nullptr;
    // Without one a patch is none of the three.
    std::string form = call.request.content_type.empty() ? "" : media_type(call.request);
    if (form == kJsonPatch || form == kMergePatch || (form == kStrategicPatch && strategic)) {
        return form;
    }
    if (strategic) {
        return refuse(unsupported_patch());
    }
    return refuse(unsupported_body(fmt::format("{}, {}", kJsonPatch, kMergePatch)));
}

// A document in the form of its patch; Go's words, since clients print them.
ApiResult<json::Value> read_patch(
    const std::string& body, std::string_view form, std::vector<std::string>& duplicates
) {
    Result<json::Value> patch = json::Value::parse(body, {}, &duplicates);
    if (!patch) {
        return refuse(bad_request("invalid JSON patch"));
    }
    const auto misfit = [form](const json::Value& value, std::string_view type) {
        return refuse(bad_request(fmt::format(
            "{}json: cannot unmarshal {} into Go value of type {}",
            form == kStrategicPatch ? "" : "error decoding patch: ", kubeschema::json_type(value),
            type
        )));
    };
    if (form == kJsonPatch) {
        if (!patch->is_array()) {
            return misfit(*patch, "[]handlers.jsonPatchOp");
        }
        for (const json::Value& operation : patch->array()) {
            if (!operation.is_object()) {
                return misfit(operation, "handlers.jsonPatchOp");
            }
        }
    } else if (form == kStrategicPatch && patch->is_null()) {
        return json::Value::make_object();
    } else if (patch->is_null()) {
        return refuse(bad_request("Invalid JSON Patch"));
    } else if (!patch->is_object()) {
        return misfit(*patch, "map[string]interface {}");
    }
    return std::move(*patch);
}

// What a patch makes of an object is judged as a whole, so its complaints quote the whole.
ApiResult<std::vector<std::string>> complete_patched(
    const Call& call, json::Value& patched, std::vector<std::string> duplicates,
    FieldValidation validation
) {
    if (!patched.is_object()) {
        return refuse(invalid_patch(patched.dump(), "the result is not an object"));
    }
    const std::string text = patched.dump();
    const auto refused = [&](std::string_view message) {
        const std::string head = fmt::format("cannot be handled as a {}: ", call.type().kind);
        const std::size_t at = message.find(head);
        return refuse(invalid_patch(
            text, at == std::string_view::npos ? message : message.substr(at + head.size())
        ));
    };
    if (const ApiResult<> same = check_kind(patched, kind_of(call.type())); !same) {
        return refused(same.error().message);
    }
    ApiResult<std::vector<std::string>> warnings =
        complete_object(call.type(), patched, {{}, std::move(duplicates)}, validation);
    if (!warnings) {
        return refused(warnings.error().message);
    }
    return warnings;
}

}  // namespace

ApiResult<Response> patch_object(const Call& call) {
    const ApiResult<WriteOptions> options = read_write_options(call.request.query, "PatchOptions");
    if (!options) {
        return refuse(options.error());
    }
    const ApiResult<std::string> form = patch_form(call);
    if (!form) {
        return refuse(form.error());
    }
    std::vector<std::string> duplicates;
    const ApiResult<json::Value> patch = read_patch(call.request.body, *form, duplicates);
    if (!patch) {
        return refuse(patch.error());
    }
    const ApiResult<StoredObject> current = load_target(call);
    if (!current) {
        return refuse(current.error());
    }
    json::Value patched = current->object;
    if (const ApiResult<> applied = apply_patch(call.type(), *form, patched, *patch); !applied) {
        return refuse(applied.error());
    }
    ApiResult<std::vector<std::string>> warnings =
        complete_patched(call, patched, std::move(duplicates), options->field_validation);
    if (!warnings) {
        return refuse(warnings.error());
    }
    if (const ApiResult<> same = check_identity(call, patched); !same) {
        return refuse(same.error());
    }
    return finish_update(call, {*current, std::move(patched), *options, std::move(*warnings)});
}

}  // namespace farhold::kuberest
