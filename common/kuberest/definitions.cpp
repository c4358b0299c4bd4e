// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/definitions.hpp"

#include "common/kubecrd/definition.hpp"
#include "common/kubecrd/definition_status.hpp"
#include "common/kuberest/deletion.hpp"
#include "common/kuberest/stored_text.hpp"
#include "common/object/metadata.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace farhold::kuberest {
namespace {

using json::Value;
using kubeschema::Registry;
using kubeschema::ResourceTypePtr;

ResourceTypePtr definition_type(const Registry& registry) {
    return registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
}

// "widgets.example.org"
std::pair<std::string, std::string> plural_and_group(std::string_view name) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    return {
        std::string(name.substr(0, dot)), std::string(name.substr(std::min(dot + 1, name.size())))
    };
}

// One definition after a request: decides, writes its status, and tells the registry.
class Follower {
public:
    Follower(const Call& call, Registry& registry, std::string name)
        : registry_(registry),
          name_(std::move(name)),
          target_{
              .type = definition_type(registry),
              .ns = {},
              .name = name_,
              .subresource = {},
              .rest = {},
              .verb = "update",
          },
          call_{call.store, registry, call.random, call.tokens, call.now, call.request, target_} {}

    // Whether names have become free that another one may want.
    ApiResult<bool> follow() {
        const ApiResult<std::optional<StoredObject>> stored = load_definition();
        if (!stored) {
            return refuse(stored.error());
        }
        if (!stored->has_value()) {
            return forget();
        }
        if (object::is_deleting((*stored)->object)) {
            return wind_up();
        }
        const std::string before = (*stored)->object.dump();
        Value definition = (*stored)->object;
        kubecrd::accept_names(definition, registry_, call_.now);
        if (const ApiResult<> kept = keep(definition); !kept) {
            return refuse(kept.error());
        }
        kubecrd::establish(definition, call_.now);
        if (const ApiResult<> kept = keep(definition); !kept) {
            return refuse(kept.error());
        }
        register_types(definition);
        return before != definition.dump();
    }

private:
    ApiResult<std::optional<StoredObject>> load_definition() {
        return load(call_.store, call_.type(), "", name_);
    }

    void register_types(const Value& definition) {
        const auto [plural, group] = plural_and_group(name_);
        registry_.replace_custom(group, plural, kubecrd::resource_types(definition));
    }

    bool forget() {
        const auto [plural, group] = plural_and_group(name_);
        const bool known = find_type() != nullptr;
        registry_.replace_custom(group, plural, {});
        return known;
    }

    // Any of its versions: they share their objects.
    ResourceTypePtr find_type() const {
        const auto found = std::ranges::find_if(registry_.all(), [this](const auto& type) {
            return type->is_custom && type->qualified_plural() == name_;
        });
        return found != registry_.all().end() ? *found : nullptr;
    }

    // Stores it when it differs from what is stored.
    ApiResult<> keep(Value& definition) {
        const ApiResult<std::optional<StoredObject>> stored = load_definition();
        if (!stored) {
            return refuse(stored.error());
        }
        definition.ensure_path({"metadata", "resourceVersion"}) =
            Value::of(object::resource_version((*stored)->object));
        if (definition == (*stored)->object) {
            return {};
        }
        const ApiResult<std::string> saved = save(call_, &**stored, definition, false);
        if (!saved) {
            return refuse(saved.error());
        }
        definition = parse_stored(*saved);
        return {};
    }

    // Deletes the instances; without any left, and without finalizers of others, the definition goes.
    ApiResult<bool> wind_up() {
        ApiResult<std::optional<StoredObject>> stored = load_definition();
        if (!stored) {
            return refuse(stored.error());
        }
        Value definition = (*stored)->object;
        const ApiResult<bool> empty = delete_instances();
        if (!empty) {
            return refuse(empty.error());
        }
        if (!*empty) {
            kubecrd::set_condition(
                definition,
                {"Terminating", true, "InstanceDeletionInProgress",
                 "CustomResource deletion is in progress"},
                call_.now
            );
            const ApiResult<> kept = keep(definition);
            register_types(definition);
            return kept ? ApiResult<bool>(false) : refuse(kept.error());
        }
        kubecrd::set_condition(
            definition,
            {"Terminating", false, "InstanceDeletionCompleted", "removed all instances"}, call_.now
        );
        Value& finalizers = definition.ensure_path({"metadata"})["finalizers"];
        if (finalizers.is_array()) {
            std::erase(finalizers.array(), Value::of(kubecrd::kCleanup));
        }
        if (!finalizers.empty()) {
            const ApiResult<> kept = keep(definition);
            register_types(definition);
            return kept ? ApiResult<bool>(false) : refuse(kept.error());
        }
        (*stored)->object = std::move(definition);
        if (const ApiResult<> done = erase(call_, **stored, false); !done) {
            return refuse(done.error());
        }
        return forget();
    }

    // Whether none is left.
    ApiResult<bool> delete_instances() {
        const ResourceTypePtr type = find_type();
        if (!type) {
            return true;
        }
        Result<kubestore::ListPage> page = call_.store.list({.prefix = key_prefix(*type, "")});
        if (!page) {
            return refuse(internal_error(page.error()));
        }
        bool empty = true;
        for (kubestore::Record& record : page->records) {
            Value instance = parse_stored(*type, *record.body);
            const Target target{
                .type = type,
                .ns = std::string(object::ns(instance)),
                .name = std::string(object::name(instance)),
                .subresource = {},
                .rest = {},
                .verb = "delete",
            };
            const Call call{call_.store, registry_,     call_.random, call_.tokens,
                            call_.now,   call_.request, target};
            const ApiResult<Deleted> deleted =
                delete_one(call, {}, {std::move(record), std::move(instance)});
            if (!deleted) {
                return refuse(deleted.error());
            }
            empty = empty && deleted->removed;
        }
        return empty;
    }

    Registry& registry_;
    std::string name_;
    Target target_;
    Call call_;
};

ApiResult<std::vector<std::string>> definition_names(const Call& call) {
    const ResourceTypePtr type = definition_type(call.registry);
    const Result<kubestore::ListPage> page = call.store.list({.prefix = key_prefix(*type, "")});
    if (!page) {
        return refuse(internal_error(page.error()));
    }
    std::vector<std::string> names;
    for (const kubestore::Record& record : page->records) {
        names.push_back(record.key.substr(key_prefix(*type, "").size()));
    }
    return names;
}

ApiResult<> follow_all(const Call& call, Registry& registry) {
    const ApiResult<std::vector<std::string>> names = definition_names(call);
    if (!names) {
        return refuse(names.error());
    }
    for (const std::string& name : *names) {
        if (const ApiResult<bool> followed = Follower(call, registry, name).follow(); !followed) {
            return refuse(followed.error());
        }
    }
    return {};
}

}  // namespace

Result<void> load_definitions(kubestore::Store& store, kubeschema::Registry& registry) {
    const ResourceTypePtr type = definition_type(registry);
    const Result<kubestore::ListPage> page = store.list({.prefix = key_prefix(*type, "")});
    if (!page) {
        return fail(page.error().within("definitions of custom resources"));
    }
    for (const ResourceTypePtr& known : std::vector(registry.all())) {
        if (known->is_custom) {
            registry.remove(known->group, known->version, known->plural);
        }
    }
    for (const kubestore::Record& record : page->records) {
        const Value definition = parse_stored(*record.body);
        const auto [plural, group] = plural_and_group(object::name(definition));
        registry.replace_custom(group, plural, kubecrd::resource_types(definition));
    }
    return {};
}

ApiResult<> follow_definitions(const Call& call, kubeschema::Registry& registry) {
    const ResourceType& type = call.type();
    const bool is_definition = type.group == "apiextensions.k8s.io";
    if (call.request.method == "GET" || (!is_definition && !type.is_ending)) {
        return {};
    }
    const std::string name = is_definition ? call.target.name : type.qualified_plural();
    if (!name.empty()) {
        const ApiResult<bool> freed = Follower(call, registry, name).follow();
        if (!freed) {
            return refuse(freed.error());
        }
        return *freed ? follow_all(call, registry) : ApiResult<>();
    }
    return follow_all(call, registry);
}

}  // namespace farhold::kuberest
