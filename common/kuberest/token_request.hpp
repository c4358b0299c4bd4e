// SPDX-License-Identifier: Apache-2.0
//
// ServiceAccount tokens and the store: who gets one, and for whom one stands. On the store's thread.
#pragma once

#include "common/kuberest/object_access.hpp"

#include <string_view>

namespace farhold::kuberest {

// POST .../serviceaccounts/NAME/token
ApiResult<Response> create_token(const Call& call);

// Whom the token stands for, as long as its ServiceAccount and its Pod are those that it was made
// for; else 401.
ApiResult<UserInfo> user_of_token(
    kubestore::Store& store, const kubeschema::Registry& registry, const AccountTokens& tokens,
    std::string_view token, WallTime now
);

}  // namespace farhold::kuberest
