// SPDX-License-Identifier: Apache-2.0
//
// The Kubernetes API as a function from a request to a response, over a store: routing,
// authorization, discovery and the verbs. Knows neither HTTP nor threads; all calls come from the
// store's thread. What a call has written is durable, and may be answered, after Store::commit().
#pragma once

#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/kuberest/account_tokens.hpp"
#include "common/kuberest/request.hpp"
#include "common/kuberest/status.hpp"
#include "common/kubeschema/registry.hpp"
#include "common/kubestore/store.hpp"

namespace farhold::kuberest {

class Api {
public:
    // The store must outlive it. CustomResourceDefinitions and what they define are added to the
    // registry.
    Api(kubestore::Store& store, kubeschema::Registry registry, Random random,
        AccountTokens tokens);

    Response handle(const Request& request, WallTime now);

    // What the registry says of custom resources is read from the store again before the next
    // request: to be called after a rollback.
    void forget_definitions() { definitions_loaded_ = false; }

    // An error as it is answered.
    static Response refusal(const Status& status);

private:
    ApiResult<Response> authenticate(const Request& request, WallTime now);
    ApiResult<Response> dispatch(const Request& request, WallTime now);
    ApiResult<Response> serve_resource(
        const Request& request, const std::vector<std::string_view>& elements, WallTime now
    );

    kubestore::Store& store_;
    kubeschema::Registry registry_;
    Random random_;  // uids and generated names.
    AccountTokens tokens_;
    bool definitions_loaded_ = false;
};

}  // namespace farhold::kuberest
