// SPDX-License-Identifier: Apache-2.0
//
// What the verbs share: finding an object in the store and putting one there.
#pragma once

#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/kuberest/account_tokens.hpp"
#include "common/kuberest/options.hpp"
#include "common/kuberest/request.hpp"
#include "common/kuberest/route.hpp"
#include "common/kuberest/status.hpp"
#include "common/kubestore/store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::kuberest {

// What one request works with; lives as long as the call.
struct Call {
    kubestore::Store& store;
    const kubeschema::Registry& registry;
    Random& random;
    const AccountTokens& tokens;
    WallTime now;
    const Request& request;
    const Target& target;

    const ResourceType& type() const { return *target.type; }
};

// "pods/", "pods/default/", "leases.coordination.k8s.io/": all keys of the kind, or of a namespace.
std::string key_prefix(const ResourceType& type, std::string_view ns);
std::string key_of(const ResourceType& type, std::string_view ns, std::string_view name);

struct StoredObject {
    kubestore::Record record;
    json::Value object;
};

// Not found is an empty result here and a Status in load_target().
ApiResult<std::optional<StoredObject>> load(
    kubestore::Store& store, const ResourceType& type, std::string_view ns, std::string_view name
);
ApiResult<StoredObject> load_target(const Call& call);

// Puts the object into the store with its new resourceVersion and answers its text. `previous` is
// what the object was made of, nullptr when it is new. A dry run only makes the text.
ApiResult<std::string> save(
    const Call& call, const StoredObject* previous, json::Value object, bool dry_run
);

// Ends the object; the last state in the log carries the revision of the removal.
ApiResult<> erase(const Call& call, const StoredObject& current, bool dry_run);

// What keeps an object in the store after its deletion was asked for.
bool has_finalizers(const json::Value& object);

// Answers one object in the form that the client asked for, with warnings as headers.
ApiResult<Response> answer(
    const Call& call, int code, const std::string& text,
    const std::vector<std::string>& warnings = {}
);

}  // namespace farhold::kuberest
