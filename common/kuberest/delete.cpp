// SPDX-License-Identifier: Apache-2.0
//
// DELETE of an object or a collection: at once, gracefully, or when the last finalizer has gone.
// propagationPolicy is checked but changes nothing: nothing here owns dependents yet, and a
// finalizer that nobody removes would keep the object for ever.
#include "common/kuberest/body.hpp"
#include "common/kuberest/deletion.hpp"
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

bool is_namespace(const Call& call) {
    return call.type().find_subresource("finalize") != nullptr;
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

// The first request: answers the object as it waits, or nothing when it goes without a word.
std::optional<json::Value> begin_deletion(
    const Call& call, const DeletionOptions& options, const json::Value& current
) {
    const std::optional<std::int64_t> grace = grace_of(call.type(), options, current);
    json::Value waiting = current;
    if (call.type().prepare_deletion) {
        call.type().prepare_deletion(waiting, call.now);
    }
    if (!grace && !has_finalizers(waiting)) {
        return std::nullopt;
    }
    if (call.type().prepare_deletion) {
        waiting.ensure_path({"metadata"})
            .set("deletionTimestamp", json::Value::of(object::format_time(call.now)));
        return waiting;
    }
    const WallTime end = call.now + std::chrono::seconds(grace.value_or(0));
    // A namespace ends by its phase and has no grace period.
    set_deletion(
        call, waiting, end, is_namespace(call) ? std::nullopt : std::optional(grace.value_or(0))
    );
    if (is_namespace(call)) {
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
    const Result<WallTime> old_end = object::parse_time(object::deletion_timestamp(current));
    const WallTime end =
        old_end ? std::max(call.now, *old_end - std::chrono::seconds(before - grace)) : call.now;
    json::Value waiting = current;
    json::Value& metadata = waiting.ensure_path({"metadata"});
    metadata.set("deletionTimestamp", json::Value::of(object::format_time(end)));
    metadata.set("deletionGracePeriodSeconds", json::Value::of(grace));
    return waiting;
}

// Nothing keeps it any more.
bool is_over(const Call& call, const json::Value& waiting) {
    return call.type().default_grace && !has_finalizers(waiting) &&
           waiting.integer_at({"metadata", "deletionGracePeriodSeconds"}) == 0;
}

// The object as it has just been saved, gone.
ApiResult<> erase_saved(const Call& call, std::string_view name) {
    const ApiResult<std::optional<StoredObject>> saved =
        load(call.store, call.type(), call.target.ns, name);
    if (!saved) {
        return refuse(saved.error());
    }
    return erase(call, **saved, false);
}

}  // namespace

ApiResult<> check_preconditions(
    const Call& call, const DeletionOptions& options, const StoredObject& current
) {
    const std::string_view name = object::name(current.object);
    const std::string_view uid = object::uid(current.object);
    // Namespaces have a way of their own to go, and words of their own.
    const auto refused = [&](std::string_view what, std::string_view wanted,
                             std::string_view found) {
        return cannot_fulfil(
            call.type(), name,
            fmt::format(
                "Precondition failed: {} in precondition: {}, {} in object meta: {}", what, wanted,
                what, found
            )
        );
    };
    if (!options.uid.empty() && options.uid != uid) {
        return refuse(
            is_namespace(call) ? refused("UID", options.uid, uid)
                               : uid_precondition_failed(call.type(), name, options.uid, uid)
        );
    }
    const std::string revision = fmt::format("{}", current.record.revision);
    const std::string& wanted = options.resource_version;
    if (!wanted.empty() && wanted != revision) {
        return refuse(
            is_namespace(call) ? refused("ResourceVersion", wanted, revision)
                               : revision_precondition_failed(call.type(), name, wanted, revision)
        );
    }
    return {};
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
    // Watches see the last state of what goes at once too, before they see it gone.
    deleted.removed = is_over(call, *waiting);
    ApiResult<std::string> saved = save(call, &current, std::move(*waiting), options.dry_run);
    if (!saved) {
        return refuse(saved.error());
    }
    if (deleted.removed && !options.dry_run) {
        const ApiResult<> done = erase_saved(call, object::name(current.object));
        if (!done) {
            return refuse(done.error());
        }
    }
    deleted.object = std::move(*saved);
    return deleted;
}

namespace {

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
    if (deleted->removed && !call.type().answers_deleted) {
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
        json::Value object = parse_stored(call.type(), *record.body);
        if (!selection->matches(call.type(), object)) {
            continue;
        }
        // The answer has them as they were.
        items.append(items.empty() ? "" : ",");
        items.append(form->listed(call.type(), *record.body, call.now));
        const ApiResult<Deleted> deleted =
            delete_one(call, *options, {std::move(record), std::move(object)});
        if (!deleted) {
            return refuse(deleted.error());
        }
    }
    const std::string metadata =
        fmt::format(R"({{"resourceVersion":"{}"}})", call.store.revision());
    return Response(200, form->list(call.type(), metadata, items));
}

}  // namespace farhold::kuberest
