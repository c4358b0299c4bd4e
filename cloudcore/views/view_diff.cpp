// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/view_diff.hpp"

namespace farhold::views {
namespace {

bool same(const ViewObject& wanted, const HeldObject& held) {
    return wanted.uid == held.uid && wanted.hash == held.hash && wanted.encoding == held.encoding;
}

}  // namespace

ViewDiff compare(const NodeView& view, const HeldObjects& held) {
    ViewDiff diff;
    for (const auto& [key, wanted] : view.objects()) {
        const auto found = held.find(key);
        if (found == held.end() || !same(*wanted, found->second)) {
            diff.upserts.push_back(wanted);
        }
    }
    for (const auto& [key, object] : held) {
        const ViewObjectPtr wanted = view.find(key);
        if (wanted == nullptr && view.is_unsettled(key, object.uid)) {
            diff.unsettled.push_back(key);
            continue;
        }
        if (wanted == nullptr) {
            diff.surplus.push_back(key);
        }
        // What no Pod refers to is surplus whether or not it exists.
        const bool counts = key.kind == "Pod" || key.kind == "Node" || view.needs(key);
        if (counts && (wanted == nullptr || wanted->uid != object.uid)) {
            diff.doubts.push_back(key);
        }
    }
    return diff;
}

}  // namespace farhold::views
