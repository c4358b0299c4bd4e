// SPDX-License-Identifier: Apache-2.0
//
// A life of an edge store, commit by commit, and a judge of what a load brings back: never anything
// that was not committed, never a gap that calls itself complete.
#pragma once

#include "edgecore/store/edge_store.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace farhold::test {

class StoreHistory {
public:
    // So many commits: objects added, changed and removed, reports made and acknowledged.
    explicit StoreHistory(std::size_t commits);

    const std::vector<store::StoreBatch>& batches() const { return batches_; }

    // "" or what is wrong about these contents, of a store that may have been damaged.
    std::string judge(const store::StoreContents& contents) const;
    // Whether it is all that was ever committed, and nothing else.
    bool is_newest(const store::StoreContents& contents) const;

private:
    using Rows = std::map<std::string, std::string>;
    struct State {
        Rows desired;
        Rows reports;
        Rows memory;
        bool operator==(const State&) const = default;
    };

    static State state_of(const store::StoreContents& contents);
    void apply(const store::StoreBatch& batch);

    std::vector<store::StoreBatch> batches_;
    std::vector<State> states_;             // After each commit; the first is the empty store.
    std::set<std::string> ever_committed_;  // Rows of all kinds.
};

}  // namespace farhold::test
