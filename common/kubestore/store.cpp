// SPDX-License-Identifier: Apache-2.0
#include "common/kubestore/store.hpp"

#include "common/base/ensure.hpp"
#include "common/kubestore/event_ring.hpp"
#include "common/kubestore/revision_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::kubestore {
namespace {

// In whole steps, so that a busy store is not compacted at each commit.
constexpr Revision kCompactStep = 500;

}  // namespace

struct Store::Impl {
    Impl(RevisionLog opened, Options given)
        : log(std::move(opened)),
          options(given),
          committed(log.newest()),
          ring(given.ring_events_max, given.ring_bytes_max) {}

    Result<void> load_ring();
    Result<Record> append(Event event, Revision previous, const Encode& encode);

    RevisionLog log;
    Options options;
    Revision committed;
    EventRing ring;

    // The open transaction.
    std::optional<sqlite::Transaction> transaction;
    std::vector<EventPtr> staged;
    std::optional<Error> broken;  // A write failed half-way: nothing of this may be committed.
};

// So that watches resume across a restart.
Result<void> Store::Impl::load_ring() {
    const auto wanted = static_cast<Revision>(options.ring_events_max);
    const Revision after = std::max({Revision{1}, log.compacted(), committed - wanted});
    ring.reset(after);
    return log.replay(after, [this](Event event) {
        ring.push(std::make_shared<const Event>(std::move(event)));
    });
}

Result<Record> Store::Impl::append(Event event, Revision previous, const Encode& encode) {
    if (broken) {
        return fail(*broken);
    }
    if (!transaction) {
        Result<sqlite::Transaction> begun = sqlite::Transaction::begin(log.database());
        if (!begun) {
            return fail(begun.error());
        }
        transaction.emplace(std::move(*begun));
    }
    event.revision = committed + static_cast<Revision>(staged.size()) + 1;
    event.body = std::make_shared<const std::string>(encode(event.revision));
    if (const Result<void> appended = log.append(event, previous); !appended) {
        if (appended.error().code() != ErrorCode::conflict) {
            broken = appended.error();
        }
        return fail(appended.error());
    }
    Record record{event.key, event.revision, event.body};
    staged.push_back(std::make_shared<const Event>(std::move(event)));
    return record;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& path, Options options) {
    ensure(options.history_revisions > 0, "no history to keep");
    Result<RevisionLog> log = RevisionLog::open(path);
    if (!log) {
        return fail(log.error());
    }
    auto impl = std::make_unique<Impl>(std::move(*log), options);
    if (const Result<void> loaded = impl->load_ring(); !loaded) {
        return fail(loaded.error());
    }
    return std::unique_ptr<Store>(new Store(std::move(impl)));
}

const std::string& Store::uuid() const {
    return impl_->log.uuid();
}

Revision Store::revision() const {
    return impl_->committed + static_cast<Revision>(impl_->staged.size());
}

Result<std::optional<Record>> Store::get(const std::string& key) {
    return impl_->log.get(key);
}

Result<ListPage> Store::list(const ListQuery& query) {
    if (query.at_revision == 0 || query.at_revision == revision()) {
        ListQuery current = query;
        current.at_revision = 0;
        return impl_->log.list(current);
    }
    if (query.at_revision < impl_->log.compacted()) {
        return fail(
            ErrorCode::resource_exhausted,
            fmt::format("revision {} has been compacted", query.at_revision)
        );
    }
    return impl_->log.list(query);
}

Result<std::int64_t> Store::count(const std::string& prefix, const std::string& start) {
    return impl_->log.count(prefix, start);
}

Result<Record> Store::put(const std::string& key, const Record* previous, const Encode& encode) {
    Event event;
    event.key = key;
    if (previous != nullptr) {
        event.previous = previous->body;
    }
    return impl_->append(std::move(event), previous == nullptr ? 0 : previous->revision, encode);
}

Result<Record> Store::remove(const Record& previous, const Encode& encode) {
    Event event;
    event.key = previous.key;
    event.removed = true;
    event.previous = previous.body;
    return impl_->append(std::move(event), previous.revision, encode);
}

Result<void> Store::commit() {
    if (!impl_->transaction) {
        return {};
    }
    const Result<void> committed =
        impl_->broken ? Result<void>(fail(*impl_->broken)) : impl_->transaction->commit();
    if (!committed) {
        rollback();
        return committed;
    }
    impl_->transaction.reset();
    for (EventPtr& event : std::exchange(impl_->staged, {})) {
        impl_->committed = event->revision;
        impl_->ring.push(std::move(event));
    }
    return {};
}

void Store::rollback() {
    impl_->transaction.reset();
    impl_->staged.clear();
    impl_->broken.reset();
}

Result<EventBatch> Store::events_after(Revision after, std::string_view prefix, std::size_t limit)
    const {
    return impl_->ring.after(after, prefix, limit);
}

Result<bool> Store::compact() {
    ensure(!impl_->transaction, "compaction inside a transaction");
    const Revision end = impl_->committed - impl_->options.history_revisions;
    if (end - impl_->log.compacted() < kCompactStep) {
        return false;
    }
    if (const Result<void> done = impl_->log.compact(impl_->log.compacted() + kCompactStep);
        !done) {
        return fail(done.error());
    }
    return end - impl_->log.compacted() >= kCompactStep;
}

}  // namespace farhold::kubestore
