// SPDX-License-Identifier: Apache-2.0
//
// POST .../pods/NAME/binding: how a scheduler puts a pod on a node, once and for all.
#include "common/kuberest/body.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kubeschema/pod_binding.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kuberest {

ApiResult<Response> bind_pod(const Call& call) {
    const ApiResult<WriteOptions> options = read_write_options(call.request.query, "CreateOptions");
    if (!options) {
        return refuse(options.error());
    }
    const ApiResult<DecodedBody> body = decode_object(call.request, {"", "v1", "Binding"});
    if (!body) {
        return refuse(body.error());
    }
    const std::string_view name = object::name(body->object);
    if (!name.empty() && name != call.target.name) {
        return refuse(bad_request("name in URL does not match name in Binding object"));
    }
    const ApiResult<StoredObject> current = load_target(call);
    if (!current) {
        return refuse(current.error());
    }
    json::Value bound = current->object;
    if (const auto done = kubeschema::bind_pod(bound, body->object, call.now); !done) {
        const std::string& why = done.error().message();
        return refuse(
            done.error().code() == ErrorCode::conflict
                ? cannot_fulfil(call.type(), call.target.name, why, "/binding")
                : plain_error(std::string(why))
        );
    }
    const ApiResult<std::string> saved = save(call, &*current, std::move(bound), options->dry_run);
    if (!saved) {
        return refuse(saved.error());
    }
    Status success;
    success.code = 201;
    return Response(201, success.to_json().dump());
}

}  // namespace farhold::kuberest
