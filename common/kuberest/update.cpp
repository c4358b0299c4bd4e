// SPDX-License-Identifier: Apache-2.0
//
// PUT on an object, its status or its finalizers.
#include "common/kuberest/body.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/write_rules.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kuberest {
namespace {

ApiResult<> check_foreign_uid(
    const Call& call, const json::Value& updated, const StoredObject& current
) {
    const std::string_view wanted = object::uid(updated);
    const std::string_view found = object::uid(current.object);
    if (!wanted.empty() && wanted != found) {
        return refuse(foreign_uid(call.type(), current.record.key, call.target.name, wanted, found)
        );
    }
    return {};
}

}  // namespace

ApiResult<Response> update_object(const Call& call) {
    const ApiResult<WriteOptions> options = read_write_options(call.request.query, "UpdateOptions");
    if (!options) {
        return refuse(options.error());
    }
    ApiResult<DecodedBody> body = decode_object(call.request, kind_of(call.type()));
    if (!body) {
        return refuse(body.error());
    }
    if (const ApiResult<> same = check_identity(call, body->object); !same) {
        return refuse(same.error());
    }
    ApiResult<std::vector<std::string>> warnings = complete_object(
        call.type(), body->object, {{}, std::move(body->duplicates)}, options->field_validation
    );
    if (!warnings) {
        return refuse(warnings.error());
    }
    const ApiResult<std::optional<StoredObject>> current =
        load(call.store, call.type(), call.target.ns, call.target.name);
    if (!current) {
        return refuse(current.error());
    }
    if (!current->has_value()) {
        const bool may_create =
            call.type().allow_create_on_update && call.target.subresource.empty();
        if (may_create && object::resource_version(body->object).empty()) {
            return finish_create(call, std::move(body->object), *options, *warnings);
        }
        return refuse(not_found(call.type(), call.target.name));
    }
    if (const ApiResult<> same = check_foreign_uid(call, body->object, **current); !same) {
        return refuse(same.error());
    }
    return finish_update(
        call, {**current, std::move(body->object), *options, std::move(*warnings)}
    );
}

}  // namespace farhold::kuberest
