// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a machine must be told so that its store becomes its view. Compared by uid, hash and
// encoding, never by resourceVersion: a cluster restored from a backup gives the same number to
// another body, and an object made anew can have the same content.
#pragma once

#include "cloudcore/views/node_views.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace farhold::views {

// An object as the machine says it holds it.
struct HeldObject {
    std::string uid;
    std::string hash;
    std::uint32_t encoding = 0;
};
using HeldObjects = std::map<object::ObjectKey, HeldObject>;

struct ViewDiff {
    std::vector<ViewObjectPtr> upserts;
    // Held and not in the view. Whether they may be removed is for the removal hold to say.
    std::vector<object::ObjectKey> surplus;
    // Held as well, but the view has yet to learn of them: they stay as they are.
    std::vector<object::ObjectKey> unsettled;
    // Held as an object that the view does not know: gone, or the view is behind because another
    // hub has told the machine more. To be asked of Kubernetes before anything is taken away.
    std::vector<object::ObjectKey> doubts;
};

ViewDiff compare(const NodeView& view, const HeldObjects& held);

}  // namespace farhold::views
