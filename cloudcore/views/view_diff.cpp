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
        if (!view.objects().contains(key)) {
            diff.surplus.push_back(key);
        }
    }
    return diff;
}

}  // namespace farhold::views
