// SPDX-License-Identifier: Apache-2.0
//
// The storage under the Kubernetes API: an append-only log of revisions in SQLite with an index of
// what is current, so that a list at a revision, pages of it and a watch from it agree. Keys and
// bodies mean nothing here. One counter for all keys, never reused, also across restarts.
//
// One thread. Writes open a transaction by themselves; nothing of it is on the disk, and no event
// of it can be seen, before commit(). The revision of a write is known before its body is encoded,
// so that the body can carry it.
#pragma once

#include "common/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::kubestore {

using Revision = std::int64_t;

// Shared by records, the ring of events and whoever is sending it.
using Body = std::shared_ptr<const std::string>;

struct Record {
    std::string key;
    Revision revision = 0;
    Body body;
};

// What a revision did to its key.
struct Event {
    Revision revision = 0;
    std::string key;
    bool removed = false;
    Body body;      // Of a removal: the last state, encoded with the revision of the removal.
    Body previous;  // Null when the key did not exist before.
};

using EventPtr = std::shared_ptr<const Event>;

struct EventBatch {
    std::vector<EventPtr> events;
    Revision scanned_to = 0;  // Everything up to here has been looked at.
};

struct ListQuery {
    std::string prefix;
    std::string start;         // First key wanted; empty: the first of the prefix.
    std::size_t limit = 0;     // 0: all.
    Revision at_revision = 0;  // 0: now.
};

struct ListPage {
    std::vector<Record> records;  // In the order of keys.
    bool more = false;
};

struct Options {
    // History that compaction leaves: lists at a revision and watches reach back that far.
    Revision history_revisions = 10'000;
    std::size_t ring_events_max = 8'192;
    std::size_t ring_bytes_max = 32 << 20;
};

class Store {
public:
    static Result<std::unique_ptr<Store>> open(const std::string& path, Options options = {});
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store();

    // Made with the file; tells a new or foreign store from this one.
    const std::string& uuid() const;

    // The newest revision, that of the open transaction included.
    Revision revision() const;

    Result<std::optional<Record>> get(const std::string& key);

    // resource_exhausted when the history no longer reaches back to `at_revision`.
    Result<ListPage> list(const ListQuery& query);
    Result<std::int64_t> count(const std::string& prefix, const std::string& start);

    using Encode = std::function<std::string(Revision)>;

    // `previous` is the record that the caller's decision was made on, null when there was none. If
    // the store has moved on: conflict, and nothing is written.
    Result<Record> put(const std::string& key, const Record* previous, const Encode& encode);
    Result<Record> remove(const Record& previous, const Encode& encode);

    // Makes the writes since the last commit durable and their events visible; all or nothing.
    Result<void> commit();
    void rollback();

    // Committed events after `after` whose keys start with `prefix`, at most `limit` of them;
    // resource_exhausted when the ring no longer reaches back that far.
    Result<EventBatch> events_after(Revision after, std::string_view prefix, std::size_t limit)
        const;

    // One bounded step of compaction, outside a transaction. True: there is more to do.
    Result<bool> compact();

private:
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::kubestore
