// SPDX-License-Identifier: Apache-2.0
//
// Pure: the one registry of resource types. Whatever the API does for a kind, it learns from the
// kind's entry here; the API itself knows none by name. Custom resources become further entries at
// run time. Owned by the embedded API, used on its store thread only.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "common/kubeschema/field_errors.hpp"
#include "common/kubeschema/field_table.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::kubeschema {

// The part of an object that a request is about. Binding is a request of its own (pod_binding.hpp).
enum class Part : std::uint8_t { main, status, finalize };

enum class NameRule : std::uint8_t { dns_subdomain, dns_label, path_segment };

struct Subresource {
    std::string name;  // "status"
    // Of the objects it takes, when they differ from the resource's own.
    std::string group;
    std::string version;
    std::string kind;
    std::vector<std::string> verbs;
};

struct Column {
    std::string name;
    std::string type = "string";
    std::string format;
    std::string description;
    int priority = 0;  // Above 0: only with -o wide.
};

using Cells = std::vector<json::Value>;

// Finds another object, in any version.
struct ResourceName {
    std::string_view group;
    std::string_view plural;
};
using FindObject = std::function<
    std::optional<json::Value>(ResourceName resource, std::string_view ns, std::string_view name)>;
// Complains about what an object says beside other objects.
using ReferenceRule =
    std::function<void(const json::Value& object, const FindObject& find, FieldErrors& errors)>;

// Hooks may be empty; the functions of writes.hpp call them between the rules for all kinds.
struct ResourceType {
    std::string group;  // Empty: core.
    std::string version;
    std::string kind;
    std::string list_kind;
    std::string plural;
    std::string singular;
    std::vector<std::string> short_names;
    std::vector<std::string> categories;
    bool namespaced = true;
    std::vector<std::string> verbs;  // Sorted, as discovery lists them.
    std::vector<Subresource> subresources;
    NameRule name_rule = NameRule::dns_subdomain;

    // nullptr: only metadata is checked for its fields, and patches are not strategic.
    const MessageType* message = nullptr;

    bool has_generation = false;             // metadata.generation counts changes of spec.
    bool generation_counts_all = false;      // Of everything beside metadata and /status.
    bool status_takes_metadata = true;       // Labels and so on may change through /status.
    bool status_at_creation = false;         // A Node registers itself with its status.
    bool allow_unconditional_update = true;  // An update needs no resourceVersion.
    bool allow_create_on_update = false;     // A PUT of an object that is missing creates it.
    bool answers_deleted = false;            // A DELETE answers what is gone, not a Status.
    bool is_review = false;                  // A POST is answered, and nothing is kept.
    bool json_only = false;                  // Its bodies are not read in protobuf.

    // Defined by a CustomResourceDefinition, whose name is qualified_plural(). Versions share what is
    // stored, in `stored_version`, and differ in apiVersion and in what their schemas leave of it.
    bool is_custom = false;
    std::string stored_version;
    bool defaults_on_read = false;  // Stored objects may lack what has become a default since.
    bool is_ending = false;         // Its definition is being deleted: nothing new is taken.

    // Beside metadata.name and metadata.namespace. A kind with paths of its own words its refusal
    // of others differently.
    std::vector<std::string> selectable_fields;

    std::vector<Column> columns;
    std::function<Cells(const json::Value& object, WallTime now)> cells;
    // Of the object's row in a Table; null: none.
    std::function<json::Value(const json::Value& object)> row_conditions;

    // Removes fields that the kind does not have, where no message tells them.
    std::function<void(json::Value& object, std::vector<std::string>& unknown)> prune;
    std::function<void(json::Value& object)> apply_defaults;
    std::function<void(json::Value& object)> prepare_create;
    std::function<void(json::Value& updated, const json::Value& current, Part part)> prepare_update;
    std::function<void(const json::Value& object, FieldErrors& errors)> validate;
    std::function<void(const json::Value& object, FieldErrors& errors)> validate_create;
    std::function<void(
        const json::Value& updated, const json::Value& current, Part part, FieldErrors& errors
    )>
        validate_update;
    // Of a new object, and of one whose spec has changed.
    ReferenceRule check_references;
    // What a deletion waits for beside grace period and finalizers that are there already.
    std::function<void(json::Value& object, WallTime now)> prepare_deletion;
    // Seconds between a deletion request and the end. Empty: the kind has no graceful deletion.
    std::function<std::int64_t(const json::Value& object)> default_grace;

    std::string group_version() const { return group.empty() ? version : group + "/" + version; }
    // "pods", "leases.coordination.k8s.io": how messages name the resource.
    std::string qualified_plural() const { return group.empty() ? plural : plural + "." + group; }
    // "Pod", "Lease.coordination.k8s.io": how Invalid names the kind.
    std::string qualified_kind() const { return group.empty() ? kind : kind + "." + group; }
    const Subresource* find_subresource(std::string_view name) const;
    bool has_verb(std::string_view verb) const;
};

// Entries are shared: a watch may outlive the entry of its kind.
using ResourceTypePtr = std::shared_ptr<const ResourceType>;

class Registry {
public:
    // Namespace, Node, Pod, ConfigMap, Secret, ServiceAccount, Event, Lease, and users' reviews of
    // themselves.
    static Registry built_in();

    // nullptr when there is none.
    ResourceTypePtr find(std::string_view group, std::string_view version, std::string_view plural)
        const;
    ResourceTypePtr find_kind(
        std::string_view group, std::string_view version, std::string_view kind
    ) const;
    // In discovery's order: the core group first.
    const std::vector<ResourceTypePtr>& all() const { return types_; }

    // Replaces the entry of the same group, version and plural.
    void add(ResourceType type);
    bool remove(std::string_view group, std::string_view version, std::string_view plural);

    // The versions of a custom resource take the place of those that were there.
    void replace_custom(
        std::string_view group, std::string_view plural, std::vector<ResourceType> versions
    );

    // For the resource of that qualified plural, whenever it is added.
    void set_reference_rule(std::string qualified_plural, ReferenceRule rule);

private:
    std::vector<ResourceTypePtr> types_;
    std::vector<std::pair<std::string, ReferenceRule>> reference_rules_;
};

}  // namespace farhold::kubeschema
