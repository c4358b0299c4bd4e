// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/desired_state.hpp"

#include <utility>

namespace farhold::store {

DesiredState::DesiredState(std::vector<DesiredRow> rows, bool complete) : complete_(complete) {
    for (DesiredRow& row : rows) {
        insert(std::move(row));
    }
}

std::vector<object::ObjectKey> DesiredState::apply(const StoreBatch& committed) {
    std::vector<object::ObjectKey> changed;
    for (const object::ObjectKey& key : committed.removals) {
        if (erase(key)) {
            changed.push_back(key);
        }
    }
    for (const DesiredRow& row : committed.upserts) {
        if (insert(row)) {
            changed.push_back(row.key);
        }
    }
    complete_ = complete_ || committed.complete;
    confirmed_ = confirmed_ || committed.complete;
    return changed;
}

bool DesiredState::insert(DesiredRow row) {
    const auto known = rows_.find(row.key);
    bool changed = true;
    if (known != rows_.end()) {
        const DesiredRow& old = known->second;
        changed = old.uid != row.uid || old.hash != row.hash;
        digest_.remove(old.key.text(), old.uid, old.hash, old.encoding);
    }
    digest_.add(row.key.text(), row.uid, row.hash, row.encoding);
    object::ObjectKey key = row.key;
    rows_.insert_or_assign(std::move(key), std::move(row));
    return changed;
}

bool DesiredState::erase(const object::ObjectKey& key) {
    const auto known = rows_.find(key);
    if (known == rows_.end()) {
        return false;
    }
    const DesiredRow& old = known->second;
    digest_.remove(old.key.text(), old.uid, old.hash, old.encoding);
    rows_.erase(known);
    return true;
}

const DesiredRow* DesiredState::find(const object::ObjectKey& key) const {
    const auto row = rows_.find(key);
    return row == rows_.end() ? nullptr : &row->second;
}

const DesiredRow* DesiredState::find(
    std::string_view kind, std::string_view ns, std::string_view name
) const {
    return find(object::ObjectKey{std::string(kind), std::string(ns), std::string(name)});
}

std::vector<const DesiredRow*> DesiredState::of_kind(const std::string& kind) const {
    std::vector<const DesiredRow*> rows;
    const object::ObjectKey first{kind, {}, {}};
    for (auto it = rows_.lower_bound(first); it != rows_.end() && it->first.kind == kind; ++it) {
        rows.push_back(&it->second);
    }
    return rows;
}

std::vector<const DesiredRow*> DesiredState::all() const {
    std::vector<const DesiredRow*> rows;
    rows.reserve(rows_.size());
    for (const auto& [key, row] : rows_) {
        rows.push_back(&row);
    }
    return rows;
}

}  // namespace farhold::store
