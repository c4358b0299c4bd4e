// SPDX-License-Identifier: Apache-2.0
//
// What controllers see of a Kubernetes API. One implementation is embedded
// (cloudcore/apiserver), another speaks HTTPS to a real cluster; controllers do not know which.
//
// Errors carry the Status message as text, and as code: not_found (404), already_exists and
// conflict (409), invalid_argument (400, 422), permission_denied (403), unauthenticated (401),
// resource_exhausted (410 Expired: list again), unavailable (429, 503, no connection), deadline
// (504), internal (500).
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/json/value.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace farhold::kubeapi {

struct ResourceRef {
    std::string group;
    std::string version;
    std::string plural;

    bool operator==(const ResourceRef&) const = default;
};

inline const ResourceRef kConfigMaps{"", "v1", "configmaps"};
inline const ResourceRef kCustomResourceDefinitions{
    "apiextensions.k8s.io", "v1", "customresourcedefinitions"
};
inline const ResourceRef kDeviceModels{"devices.kubeedge.io", "v1beta1", "devicemodels"};
inline const ResourceRef kDevices{"devices.kubeedge.io", "v1beta1", "devices"};
inline const ResourceRef kDeviceStatuses{"devices.kubeedge.io", "v1beta1", "devicestatuses"};
inline const ResourceRef kEvents{"", "v1", "events"};
inline const ResourceRef kLeases{"coordination.k8s.io", "v1", "leases"};
inline const ResourceRef kNamespaces{"", "v1", "namespaces"};
inline const ResourceRef kNodes{"", "v1", "nodes"};
inline const ResourceRef kPods{"", "v1", "pods"};
inline const ResourceRef kSecrets{"", "v1", "secrets"};
inline const ResourceRef kServiceAccounts{"", "v1", "serviceaccounts"};
inline const ResourceRef kServices{"", "v1", "services"};

// Shared because an informer's store, its handler and a node's view hold the same object.
using ObjectPtr = std::shared_ptr<const json::Value>;

struct ListOptions {
    std::string ns;  // Empty: all namespaces.
    std::string label_selector;
    std::string field_selector;
    // Only metadata is needed of the objects; a server may give more. They may come as kind
    // PartialObjectMetadata of meta.k8s.io.
    bool metadata_only = false;
    // Of a list: called with each object as it is read, long before the list is complete, which it may
    // never be; what it answers takes the object's place in the list. Empty: nothing is changed.
    std::function<ObjectPtr(ObjectPtr object)> on_read;
};

struct ListResult {
    std::vector<ObjectPtr> items;
    std::string resource_version;
};

struct WatchEvent {
    enum class Type : std::uint8_t { added, modified, deleted, bookmark };
    Type type;
    ObjectPtr object;
};

class WatchStream {
public:
    virtual ~WatchStream() = default;

    // The next event, in order. An error ends the stream: resource_exhausted means that the history
    // is gone (list again); any other, that the watch should be started again from the last
    // resourceVersion seen.
    virtual Task<Result<WatchEvent>> next() = 0;
};

enum class PatchType : std::uint8_t { json, merge, strategic_merge };

struct Patch {
    std::string subresource;  // Empty: the object itself.
    PatchType type;
    json::Value body;
};

struct DeleteOptions {
    std::optional<std::int64_t> grace_period_seconds;
    std::string uid;               // Precondition, unless empty.
    std::string resource_version;  // Precondition, unless empty.
};

// What needs no watch: enough for the command line.
class KubeObjects {
public:
    virtual ~KubeObjects() = default;

    // `ns` is empty for cluster-scoped kinds.
    virtual Task<Result<json::Value>> get(
        ResourceRef resource, std::string ns, std::string name
    ) = 0;

    // Complete and consistent: all pages.
    virtual Task<Result<ListResult>> list(ResourceRef resource, ListOptions options) = 0;

    // With a subresource ("binding") the name is that of the object it belongs to.
    virtual Task<Result<json::Value>> create(
        ResourceRef resource, std::string ns, json::Value object, std::string subresource = {}
    ) = 0;

    // The name is the object's own. A resourceVersion in it is a precondition.
    virtual Task<Result<json::Value>> update(
        ResourceRef resource, std::string ns, json::Value object, std::string subresource = {}
    ) = 0;

    virtual Task<Result<json::Value>> patch(
        ResourceRef resource, std::string ns, std::string name, Patch patch
    ) = 0;

    // Graceful kinds and objects with finalizers stay for a while, with a deletionTimestamp.
    virtual Task<Result<void>> remove(
        ResourceRef resource, std::string ns, std::string name, DeleteOptions options = {}
    ) = 0;
};

struct ListedWatch {
    ListResult list;
    // What happens after the list. Null: a watch is to be started at the list's version.
    std::unique_ptr<WatchStream> watch;
};

class KubeClient : public KubeObjects {
public:
    // list(), and the watch after it from a server that tells both in one answer.
    virtual Task<Result<ListedWatch>> list_and_watch(ResourceRef resource, ListOptions options);

    // What happens after `resource_version`, bookmarks included.
    virtual Task<Result<std::unique_ptr<WatchStream>>> watch(
        ResourceRef resource, ListOptions options, std::string resource_version
    ) = 0;
};

}  // namespace farhold::kubeapi
