// SPDX-License-Identifier: Apache-2.0
//
// DELETE of an object or a collection: at once, gracefully, or when the last finalizer has gone.
// propagationPolicy is checked but changes nothing: nothing here owns dependents yet, and a
// finalizer that nobody removes would keep the object for ever.
#include "common/kuberest/body.hpp"
#include "common/kuberest/representation.hpp"
#include "common/kuberest/stored_text.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/write_rules.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace farhold::kuberest {
namespace {

struct Deleted {
    std::string object;  // Its text, as it was or as it waits for its end.
    std::string uid;
    bool removed = false;
};

ApiResult<> check_preconditions(
    const Call& call, const DeletionOptions& options, const StoredObject& current
) {
    const std::string_view name = object::name(current.object);
    const std::string_view uid = object::uid(current.object);
    if (!options.uid.empty() && options.uid != uid) {
        return refuse(uid_precondition_failed(call.type(), name, options.uid, uid));
    }
    const std::string revision = fmt::format("{}", current.record.revision);
    if (!options.resource_version.empty() && options.resource_version != revision) {
        return refuse(
            revision_precondition_failed(call.type(), name, options.resource_version, revision)
        );
    }
    return {};
}

// Seconds between now and the end; nothing for kinds that end at once.
std::optional<std::int64_t> grace_of(
    const ResourceType& type, const DeletionOptions& options, const json::Value& object
) {
    if (!type.default_grace) {
        return std::nullopt;
    }
    const std::int64_t usual = type.default_grace(object);
    // Nothing runs that could need time: a longer wish changes nothing.
    if (usual == 0) {
        return 0;
    }
    const std::int64_t wished = options.grace_seconds.value_or(usual);
    return wished < 0 ? 1 : wished;
}

void set_deletion(
    const Call& call, json::Value& object, WallTime end, std::optional<std::int64_t> grace
) {
    json::Value& metadata = object.ensure_path({"metadata"});
    metadata.set("deletionTimestamp", json::Value::of(object::format_time(end)));
    if (grace) {
        metadata.set("deletionGracePeriodSeconds", json::Value::of(*grace));
    }
    if (call.type().has_generation && metadata.find("generation") != nullptr) {
        metadata.set("generation", json::Value::of(object::generation(object) + 1));
    }
}

// The first request: answers the object as it waits, or nothing when it can go at once.
std::optional<json::Value> begin_deletion(
    const Call& call, const DeletionOptions& options, const json::Value& current
) {
    const std::optional<std::int64_t> grace = grace_of(call.type(), options, current);
    if (grace.value_or(0) == 0 && !has_finalizers(current)) {
        return std::nullopt;
    }
    json::Value waiting = current;
    const bool is_namespace = call.type().find_subresource("finalize") != nullptr;
    const WallTime end = call.now + std::chrono::seconds(grace.value_or(0));
    // A namespace ends by its phase and has no grace period.
    set_deletion(
        call, waiting, end, is_namespace ? std::nullopt : std::optional(grace.value_or(0))
    );
    if (is_namespace) {
        waiting.ensure_path({"status", "phase"}) = json::Value::of("Terminating");
    }
    return waiting;
}

// A further request may only shorten the wait.
std::optional<json::Value> shorten_deletion(
    const Call& call, const DeletionOptions& options, const json::Value& current
) {
    const std::int64_t before = current.integer_at({"metadata", "deletionGracePeriodSeconds"});
    if (before == 0) {
        return has_finalizers(current) ? std::optional(current) : std::nullopt;
    }
    const std::int64_t wished = options.grace_seconds.value_or(before);
    const std::int64_t grace = wished < 0 ? 1 : wished;
    if (grace >= before) {
        return current;
    }
    if (grace == 0 && !has_finalizers(current)) {
        return std::nullopt;
    }
    const Result<WallTime> old_end = object::parse_time(object::deletion_timestamp(current));
    const WallTime end =
        old_end ? std::max(call.now, *old_end - std::chrono::seconds(before - grace)) : call.now;
    json::Value waiting = current;
    json::Value& metadata = waiting.ensure_path({"metadata"});
    metadata.set("deletionTimestamp", json::Value::of(object::format_time(end)));
    metadata.set("deletionGracePeriodSeconds", json::Value::of(grace));
    return waiting;
}

ApiResult<Deleted> delete_one(
    const Call& call, const DeletionOptions& options, const StoredObject& current
) {
    if (const ApiResult<> met = check_preconditions(call, options, current); !met) {
        return refuse(met.error());
    }
    std::optional<json::Value> waiting = object::is_deleting(current.object)
                                             ? shorten_deletion(call, options, current.object)
                                             : begin_deletion(call, options, current.object);
    Deleted deleted;
    deleted.uid = object::uid(current.object);
    if (!waiting) {
        if (const ApiResult<> done = erase(call, current, options.dry_run); !done) {
            return refuse(done.error());
        }
        deleted.object = *current.record.body;
        deleted.removed = true;
        return deleted;
    }
    if (*waiting == current.object) {
        deleted.object = *current.record.body;
        return deleted;
    }
    ApiResult<std::string> saved = save(call, &current, std::move(*waiting), options.dry_run);
    if (!saved) {
        return refuse(saved.error());
    }
    deleted.object = std::move(*saved);
    return deleted;
}

ApiResult<DeletionOptions> read_options(const Call& call) {
    const ApiResult<json::Value> body = decode_deletion_options(call.request);
    if (!body) {
        return refuse(body.error());
    }
    return read_deletion_options(call.request.query, *body);
}

Response success(const Call& call, const Deleted& deleted) {
    Status status;
    status.code = 200;
    status.has_details = true;
    status.name = call.target.name;
    status.group = call.type().group;
    status.kind = call.type().plural;
    status.uid = deleted.uid;
    return {200, status.to_json().dump()};
}

}  // namespace

ApiResult<Response> delete_object(const Call& call) {
    const ApiResult<DeletionOptions> options = read_options(call);
    if (!options) {
        return refuse(options.error());
    }
    const ApiResult<StoredObject> current = load_target(call);
    if (!current) {
        return refuse(current.error());
    }
    if (const ApiResult<> allowed = check_deletable(call); !allowed) {
        return refuse(allowed.error());
    }
    const ApiResult<Deleted> deleted = delete_one(call, *options, *current);
    if (!deleted) {
        return refuse(deleted.error());
    }
    // Gracefully deleted kinds answer the object, also when it is gone at once.
    if (deleted->removed && !call.type().default_grace) {
        return success(call, *deleted);
    }
    return answer(call, 200, deleted->object);
}

ApiResult<Response> delete_collection(const Call& call) {
    const ApiResult<DeletionOptions> options = read_options(call);
    if (!options) {
        return refuse(options.error());
    }
    const ApiResult<Selection> selection = read_selection(call.request.query, call.type());
    if (!selection) {
        return refuse(selection.error());
    }
    const ApiResult<Representation> form = Representation::choose(call.request);
    if (!form) {
        return refuse(form.error());
    }
    Result<kubestore::ListPage> page =
        call.store.list({.prefix = key_prefix(call.type(), call.target.ns)});
    if (!page) {
        return refuse(internal_error(page.error()));
    }
    std::string items;
    for (kubestore::Record& record : page->records) {
        json::Value object = parse_stored(*record.body);
        if (!selection->matches(call.type(), object)) {
            continue;
        }
        const ApiResult<Deleted> deleted =
            delete_one(call, *options, {std::move(record), std::move(object)});
        if (!deleted) {
            return refuse(deleted.error());
        }
        items.append(items.empty() ? "" : ",");
        items.append(form->item(call.type(), deleted->object, call.now));
    }
    const std::string metadata =
        fmt::format(R"({{"resourceVersion":"{}"}})", call.store.revision());
    return Response(200, form->list(call.type(), metadata, items));
}

}  // namespace farhold::kuberest
