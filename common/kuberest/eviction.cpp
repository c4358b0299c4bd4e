// SPDX-License-Identifier: Apache-2.0
//
// POST .../pods/NAME/eviction: a deletion that tells why. There are no disruption budgets that could
// be in its way.
#include "common/kuberest/body.hpp"
#include "common/kuberest/deletion.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kubeschema/pod_eviction.hpp"
#include "common/kubeschema/writes.hpp"
#include "common/object/metadata.hpp"

#include <utility>

namespace farhold::kuberest {
namespace {

// kubectl up to 1.21 says v1beta1; the two are the same.
ApiResult<DecodedBody> decode_eviction(const Request& request) {
    ApiResult<DecodedBody> body = decode_object(request, {"policy", "v1beta1", "Eviction"});
    return body ? body : decode_object(request, {"policy", "v1", "Eviction"});
}

// Says in the pod's status why it goes. One that goes already has been told.
ApiResult<StoredObject> mark(const Call& call, StoredObject current) {
    json::Value marked = current.object;
    kubeschema::mark_evicted(marked, call.now);
    if (marked == current.object) {
        return current;
    }
    const ApiResult<std::string> saved = save(call, &current, std::move(marked), false);
    if (!saved) {
        return refuse(saved.error());
    }
    return load_target(call);
}

}  // namespace

ApiResult<Response> evict_pod(const Call& call) {
    const ApiResult<WriteOptions> options = read_write_options(call.request.query, "CreateOptions");
    if (!options) {
        return refuse(options.error());
    }
    ApiResult<DecodedBody> body = decode_eviction(call.request);
    if (!body) {
        return refuse(body.error());
    }
    json::Value& eviction = body->object;
    std::vector<std::string> unknown;
    const auto& type = *kubeschema::FieldTable::built_in().find("Eviction");
    if (const auto fits = kubeschema::conform_message(type, eviction, unknown); !fits) {
        return refuse(bad_request(
            "Eviction in version \"v1\" cannot be handled as a Eviction: " + fits.error().message()
        ));
    }
    if (object::name(eviction) != call.target.name) {
        return refuse(bad_request("name in URL does not match name in Eviction object"));
    }
    const json::Value* given = eviction.find("deleteOptions");
    ApiResult<DeletionOptions> deletion =
        read_deletion_options({}, given != nullptr ? *given : json::Value::make_object());
    if (!deletion) {
        return refuse(deletion.error());
    }
    deletion->dry_run = deletion->dry_run || options->dry_run;
    ApiResult<StoredObject> current = load_target(call);
    if (!current) {
        return refuse(current.error());
    }
    // Before anything is written; the mark makes another revision of it.
    if (const ApiResult<> met = check_preconditions(call, *deletion, *current); !met) {
        return refuse(met.error());
    }
    deletion->resource_version.clear();
    if (!deletion->dry_run) {
        current = mark(call, std::move(*current));
        if (!current) {
            return refuse(current.error());
        }
    }
    if (const ApiResult<Deleted> deleted = delete_one(call, *deletion, *current); !deleted) {
        return refuse(deleted.error());
    }
    Status success;
    success.code = 201;
    return Response(201, success.to_json().dump());
}

}  // namespace farhold::kuberest
