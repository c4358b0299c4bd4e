// SPDX-License-Identifier: Apache-2.0
//
// Pure: which ServiceAccount tokens a machine may have. Kubernetes asks the same of a kubelet
// (NodeRestriction), but takes the hub, which asks on behalf of all machines, at its word.
#pragma once

#include "cloudcore/views/node_views.hpp"
#include "common/tunnel/messages.hpp"

#include <optional>

namespace farhold::hub {

// The refusal, or nothing when the token may be minted: the pod is one of this machine's own, as it
// is in the view (so bound to it, and of that uid), runs as that ServiceAccount, and has a
// serviceAccountToken source for that audience and time.
std::optional<tunnel::Token> refuse_token(
    const tunnel::TokenRequest& request, const views::NodeView& view
);

}  // namespace farhold::hub
