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
    // The store must outlive it.
    Api(kubestore::Store& store, kubeschema::Registry registry, Random random, AccountTokens tokens)
        : store_(store),
          registry_(std::move(registry)),
          random_(std::move(random)),
          tokens_(std::move(tokens)) {}

    Response handle(const Request& request, WallTime now);

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
};

}  // namespace farhold::kuberest
