// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/writes.hpp"

#include "common/kubeschema/metadata_rules.hpp"
#include "common/object/metadata.hpp"

namespace farhold::kubeschema {
namespace {

using json::Value;

void copy_member(Value& to, const Value& from, std::string_view key) {
    if (const Value* value = from.find(key)) {
        to.set(key, *value);
    } else {
        to.erase(key);
    }
}

// Clients send these back as they got them, or not at all; both mean the same.
void keep_server_metadata(Value& updated, const Value& current) {
    Value& metadata = updated.ensure_path({"metadata"});
    const Value& before = *current.find("metadata");
    copy_member(metadata, before, "creationTimestamp");
    copy_member(metadata, before, "generation");
    metadata.erase("managedFields");
    metadata.erase("selfLink");
    if (object::uid(updated).empty()) {
        copy_member(metadata, before, "uid");
    }
    // A deletion cannot be taken back.
    if (before.find("deletionTimestamp") != nullptr) {
        copy_member(metadata, before, "deletionTimestamp");
    }
    if (metadata.find("deletionGracePeriodSeconds") == nullptr) {
        copy_member(metadata, before, "deletionGracePeriodSeconds");
    }
}

bool same_member(const Value& a, const Value& b, std::string_view key) {
    const Value* left = a.find(key);
    const Value* right = b.find(key);
    return left == nullptr || right == nullptr ? left == right : *left == *right;
}

// Whether what metadata.generation counts has changed.
bool is_other(const ResourceType& type, const Value& a, const Value& b) {
    if (!type.generation_counts_all) {
        return !same_member(a, b, "spec");
    }
    const auto counted = [&type](const Value& object) {
        Value part = object;
        part.erase("metadata");
        if (type.find_subresource("status") != nullptr) {
            part.erase("status");
        }
        return part;
    };
    return counted(a) != counted(b);
}

// `updated` becomes the current object with only one of its parts changed.
void restrict_to(Value& updated, const Value& current, std::string_view part, bool metadata) {
    Value result = current;
    copy_member(result, updated, part);
    if (metadata) {
        copy_member(result, updated, "metadata");
    }
    updated = std::move(result);
}

}  // namespace

void apply_defaults(const ResourceType& type, json::Value& object) {
    if (type.apply_defaults) {
        type.apply_defaults(object);
    }
}

void prepare_create(const ResourceType& type, json::Value& object) {
    Value& metadata = object.ensure_path({"metadata"});
    for (const std::string_view field :
         {"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
          "managedFields", "resourceVersion", "selfLink", "uid"}) {
        metadata.erase(field);
    }
    if (type.has_generation) {
        metadata.set("generation", Value::of(1));
    }
    if (type.find_subresource("status") != nullptr && !type.status_at_creation) {
        object.erase("status");
    }
    if (type.prepare_create) {
        type.prepare_create(object);
    }
}

void prepare_update(
    const ResourceType& type, json::Value& updated, const json::Value& current, Part part
) {
    keep_server_metadata(updated, current);
    if (part == Part::status) {
        restrict_to(updated, current, "status", type.status_takes_metadata);
    } else if (part == Part::finalize) {
        restrict_to(updated, current, "spec", true);
    } else if (type.find_subresource("status") != nullptr) {
        copy_member(updated, current, "status");
    }
    if (type.prepare_update) {
        type.prepare_update(updated, current, part);
    }
    if (type.has_generation && part == Part::main && is_other(type, updated, current)) {
        updated.ensure_path({"metadata"})
            .set("generation", Value::of(object::generation(current) + 1));
    }
}

FieldErrors validate_create(const ResourceType& type, const json::Value& object) {
    FieldErrors errors;
    validate_metadata(type, object, errors);
    if (type.validate) {
        type.validate(object, errors);
    }
    if (type.validate_create) {
        type.validate_create(object, errors);
    }
    return errors;
}

FieldErrors validate_update(
    const ResourceType& type, const json::Value& updated, const json::Value& current, Part part
) {
    FieldErrors errors;
    validate_metadata_update(type, updated, current, errors);
    // What a status or finalize request cannot change was checked when it was stored.
    if (type.validate && part == Part::main) {
        type.validate(updated, errors);
    }
    if (type.validate_update) {
        type.validate_update(updated, current, part, errors);
    }
    return errors;
}

}  // namespace farhold::kubeschema
