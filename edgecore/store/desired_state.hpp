// SPDX-License-Identifier: Apache-2.0
//
// Pure: what is wanted on this machine, as last committed to its store. Changes come only through
// apply() with a batch that is on the disk, so whoever reads here never acts on more than that.
#pragma once

#include "common/tunnel/view_digest.hpp"
#include "edgecore/store/store_batch.hpp"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::store {

class DesiredState {
public:
    DesiredState() = default;
    DesiredState(std::vector<DesiredRow> rows, bool complete);

    // The keys whose object is another one now: added, removed, or different in uid or hash.
    std::vector<object::ObjectKey> apply(const StoreBatch& committed);

    // Null when nothing is wanted under that key. Valid until the next apply().
    [[nodiscard]] const DesiredRow* find(const object::ObjectKey& key) const;
    [[nodiscard]] const DesiredRow* find(
        std::string_view kind, std::string_view ns, std::string_view name
    ) const;
    // In the order of namespace and name. Valid until the next apply().
    [[nodiscard]] std::vector<const DesiredRow*> of_kind(const std::string& kind) const;
    [[nodiscard]] std::vector<const DesiredRow*> all() const;

    // Whether a missing row means that the object is not wanted (StoreMeta::complete).
    [[nodiscard]] bool complete() const { return complete_; }
    // Whether a hub has said so since the start: a complete store may still be an old copy of itself.
    [[nodiscard]] bool confirmed() const { return confirmed_; }
    [[nodiscard]] const tunnel::ViewDigest& digest() const { return digest_; }
    [[nodiscard]] std::size_t size() const { return rows_.size(); }

private:
    bool insert(DesiredRow row);
    bool erase(const object::ObjectKey& key);

    std::map<object::ObjectKey, DesiredRow> rows_;
    tunnel::ViewDigest digest_;
    bool complete_ = false;
    bool confirmed_ = false;
};

}  // namespace farhold::store
