// SPDX-License-Identifier: Apache-2.0
#include "common/object/patch.hpp"

namespace farhold::object {

void merge_patch(json::Value& target, const json::Value& patch) {
    if (!patch.is_object()) {
        target = patch;
        return;
    }
    if (!target.is_object()) {
        target = json::Value::make_object();
    }
    for (const json::Member& member : patch.object()) {
        if (member.value.is_null()) {
            target.erase(member.key);
        } else {
            // Also for new members: nulls inside of them must not stay.
            merge_patch(target[member.key], member.value);
        }
    }
}

}  // namespace farhold::object
