// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/object_access.hpp"

#include "common/kuberest/representation.hpp"
#include "common/kuberest/stored_text.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kuberest {
namespace {

bool is_filled_list(const json::Value* list) {
    return list != nullptr && list->is_array() && !list->array().empty();
}

}  // namespace

std::string key_prefix(const ResourceType& type, std::string_view ns) {
    std::string prefix = type.qualified_plural() + "/";
    if (!ns.empty()) {
        prefix.append(ns) += '/';
    }
    return prefix;
}

std::string key_of(const ResourceType& type, std::string_view ns, std::string_view name) {
    return key_prefix(type, ns).append(name);
}

ApiResult<std::optional<StoredObject>> load(
    kubestore::Store& store, const ResourceType& type, std::string_view ns, std::string_view name
) {
    Result<std::optional<kubestore::Record>> record = store.get(key_of(type, ns, name));
    if (!record) {
        return refuse(internal_error(record.error()));
    }
    if (!record->has_value()) {
        return std::nullopt;
    }
    json::Value object = parse_stored(type, *(*record)->body);
    return StoredObject{std::move(**record), std::move(object)};
}

ApiResult<StoredObject> load_target(const Call& call) {
    ApiResult<std::optional<StoredObject>> found =
        load(call.store, call.type(), call.target.ns, call.target.name);
    if (!found) {
        return refuse(found.error());
    }
    if (!found->has_value()) {
        return refuse(not_found(call.type(), call.target.name));
    }
    return std::move(**found);
}

ApiResult<std::string> save(
    const Call& call, const StoredObject* previous, json::Value object, bool dry_run
) {
    if (dry_run) {
        if (previous != nullptr) {
            set_revision(object, previous->record.revision);
        }
        return object.dump();
    }
    if (call.type().is_custom) {
        const ResourceType& type = call.type();
        object.set(
            "apiVersion", json::Value::of(fmt::format("{}/{}", type.group, type.stored_version))
        );
    }
    const std::string key = previous != nullptr
                                ? previous->record.key
                                : key_of(call.type(), call.target.ns, object::name(object));
    const auto encode = [&object](kubestore::Revision revision) {
        set_revision(object, revision);
        return object.dump();
    };
    const Result<kubestore::Record> written =
        call.store.put(key, previous == nullptr ? nullptr : &previous->record, encode);
    if (!written) {
        return refuse(internal_error(written.error()));
    }
    return *written->body;
}

ApiResult<> erase(const Call& call, const StoredObject& current, bool dry_run) {
    if (dry_run) {
        return {};
    }
    const auto encode = [&current](kubestore::Revision revision) {
        json::Value last = current.object;
        set_revision(last, revision);
        return last.dump();
    };
    if (const auto removed = call.store.remove(current.record, encode); !removed) {
        return refuse(internal_error(removed.error()));
    }
    return {};
}

bool has_finalizers(const json::Value& object) {
    // Of the built-in kinds only namespaces have a list in their spec.
    return is_filled_list(object.at_path({"metadata", "finalizers"})) ||
           is_filled_list(object.at_path({"spec", "finalizers"}));
}

ApiResult<Response> answer(
    const Call& call, int code, const std::string& text, const std::vector<std::string>& warnings
) {
    const ApiResult<Representation> form = Representation::choose(call.request);
    if (!form) {
        return refuse(form.error());
    }
    Response response(code, form->one(call.type(), text, call.now));
    for (const std::string& warning : warnings) {
        response.headers.emplace_back(
            "Warning", fmt::format("299 - {}", json::Value::of(warning).dump())
        );
    }
    return response;
}

}  // namespace farhold::kuberest
