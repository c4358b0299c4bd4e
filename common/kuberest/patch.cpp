// SPDX-License-Identifier: Apache-2.0
//
// PATCH in its three forms. Server-side apply is answered with 415: an apply that does not track
// who owns a field would lose changes in silence.
#include "common/object/patch.hpp"

#include "common/kuberest/body.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/write_rules.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kuberest {
namespace {

constexpr std::string_view kJsonPatch = "application/json-patch+json";
constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::string_view kStrategicPatch = "application/strategic-merge-patch+json";

Status refused_patch(const Error& error, std::string_view form) {
    switch (error.code()) {
        case ErrorCode::conflict:
            return unprocessable_patch();
        case ErrorCode::resource_exhausted:
            return too_many_operations(error.message());
        case ErrorCode::internal:
            return plain_error(error.message());
        default:
            if (form == kJsonPatch) {
                return bad_request(fmt::format("error decoding patch: {}", error.message()));
            }
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
    const Result<void> applied = form == kJsonPatch
                                     ? object::json_patch(target, patch)
                                     : object::strategic_merge_patch(target, patch, *type.message);
    if (!applied) {
        return refuse(refused_patch(applied.error(), form));
    }
    return {};
}

ApiResult<std::string> patch_form(const Call& call) {
    const bool strategic = call.type().message != nullptr;
    std::string form = media_type(call.request);
    if (form == kJsonPatch || form == kMergePatch || (form == kStrategicPatch && strategic)) {
        return form;
    }
    std::string accepted = fmt::format("{}, {}", kJsonPatch, kMergePatch);
    if (strategic) {
        accepted.append(", ").append(kStrategicPatch);
    }
    return refuse(unsupported_body(accepted));
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
    ApiResult<std::vector<std::string>> warnings =
        complete_object(call.type(), patched, {{}, std::move(duplicates)}, validation);
    if (!warnings) {
        const std::string& message = warnings.error().message;
        const std::size_t detail = message.find("strict decoding error");
        return refuse(
            invalid_patch(text, detail == std::string::npos ? message : message.substr(detail))
        );
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
    const Result<json::Value> patch = json::Value::parse(call.request.body, {}, &duplicates);
    if (!patch) {
        return refuse(bad_request(fmt::format("error decoding patch: {}", patch.error().message()))
        );
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
