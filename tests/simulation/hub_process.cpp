// SPDX-License-Identifier: Apache-2.0
#include "hub_process.hpp"

#include "common/object/metadata.hpp"
#include "invariants.hpp"

#include <algorithm>
#include <utility>

namespace farhold::simulation {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kWallStart{std::chrono::seconds(1'700'000'000)};
const object::ObjectKey kHoldKey{"ConfigMap", "kube-system", "farhold-removal-hold"};

}  // namespace

HubProcess::HubProcess(World& world, ApiServer& api, std::string name)
    : world_(world), api_(api), name_(std::move(name)) {}

Now HubProcess::now() const {
    return Now{world_.now(), kWallStart + world_.now().time_since_epoch()};
}

void HubProcess::later(Duration delay, std::function<void()> what) {
    world_.queue.after(delay, [self = weak_from_this(), what = std::move(what)] {
        if (const auto hub = self.lock()) {
            hub->attend(what);
        }
    });
}

void HubProcess::attend(std::function<void()> what) {
    if (dead_) {
        return;
    }
    if (paused()) {
        later(paused_until_ - world_.now(), std::move(what));
    } else {
        what();
    }
}

void HubProcess::start() {
    world_.note("{} starts", name_);
    world_.ledger.absence_counts();
    views::RemovalHold hold;
    if (const auto record = api_.get(kHoldKey)) {
        kept_hold_ = (*record)->text_at({"data", "record"});
        hold = views::RemovalHold::decode(kept_hold_).value();
    }
    views_ = std::make_unique<views::ClusterViews>(std::move(hold));
    api_epoch_ = views_->hold().api_epoch();
    for (const char* kind : {"Node", "Pod", "ConfigMap", "Secret", "ServiceAccount"}) {
        feeds_[kind].kind = kind;
        list(feeds_[kind]);
    }
    api_.subscribe([self = weak_from_this()](const std::string& kind) {
        const auto hub = self.lock();
        if (hub == nullptr || hub->dead_) {
            return;
        }
        for (auto& [followed, feed] : hub->feeds_) {
            if (kind.empty() || kind == followed) {
                hub->fetch_soon(feed);
            }
        }
    });
}

void HubProcess::stop() {
    world_.note("{} dies", name_);
    dead_ = true;
    for (const auto& [id, session] : sessions_) {
        session->connection->die(Side::hub);
    }
    sessions_.clear();
}

void HubProcess::look_if_whole() {
    const bool all_listed =
        std::ranges::all_of(feeds_, [](const auto& entry) { return entry.second.complete; });
    if (!ready_ && all_listed && views_->needed().all_answered()) {
        ready_ = true;
        world_.note("{} knows the cluster", name_);
        spread({});
    }
}

// Lists and watches.

void HubProcess::list(Feed& feed) {
    feed.following = false;
    feed.fetching = true;
    ask<Listing>(
        [this, &feed]() -> Result<Listing> {
            feed.incarnation = api_.incarnation();
            return api_.list(feed.kind);
        },
        [this, &feed](const Result<Listing>& listing) {
            feed.fetching = false;
            if (!listing) {
                later(world_.between(500ms, 5s), [this, &feed] { list(feed); });
                return;
            }
            const bool complete = !world_.happens(world_.faults.list_partial);
            listed(feed, *listing, complete);
        }
    );
}

void HubProcess::listed(Feed& feed, const Listing& listing, bool complete) {
    std::set<object::ObjectKey> present;
    for (const ObjectPtr& object : listing.objects) {
        if (complete || world_.random.chance(0.5)) {
            const views::ViewChanges changes = views_->read(*object);
            if (!changes.empty()) {
                spread(changes);
            }
            present.insert(object::ObjectKey::of(*object));
        }
    }
    if (!complete) {
        world_.note(
            "{} lists {} {} of {}", name_, feed.kind, present.size(), listing.objects.size()
        );
    }
    cluster_uid_ = listing.cluster_uid;
    spread(views_->listed(
        views::ListedKind{
            feed.kind, listing.cluster_uid, std::to_string(listing.revision), complete
        },
        present
    ));
    if (!complete) {
        later(world_.between(500ms, 5s), [this, &feed] { list(feed); });
        return;
    }
    feed.complete = true;
    feed.following = true;
    feed.revision = listing.revision;
    look_if_whole();
    fetch_soon(feed);
}

void HubProcess::learn(const views::NewMachine& machine) {
    ask<Listing>(
        [this]() -> Result<Listing> { return api_.list("Pod"); },
        [this, machine](const Result<Listing>& listing) {
            if (!listing) {
                later(world_.between(500ms, 5s), [this, machine] { learn(machine); });
                return;
            }
            std::vector<const json::Value*> pods;
            for (const ObjectPtr& pod : listing->objects) {
                if (pod->text_at({"spec", "nodeName"}) == machine.node) {
                    pods.push_back(pod.get());
                }
            }
            spread(views_->learned(machine, pods));
            spread({});
        }
    );
}

// What pods refer to.

void HubProcess::fetch_objects() {
    constexpr std::size_t kAtOnce = 4;
    while (objects_asked_ < kAtOnce) {
        const auto fetch = views_->needed().take_due(world_.now());
        if (!fetch) {
            return;
        }
        ++objects_asked_;
        ask<ObjectPtr>(
            [this, key = fetch->key, refused = world_.happens(world_.faults.read_refused)] {
                return refused ? fail(ErrorCode::permission_denied, "refused") : api_.get(key);
            },
            [this, fetch = *fetch](const Result<ObjectPtr>& object) {
                object_answered(fetch, object);
            }
        );
    }
}

void HubProcess::object_answered(const views::Fetch& fetch, const Result<ObjectPtr>& object) {
    --objects_asked_;
    views::ViewChanges changes;
    if (object) {
        changes = views_->arrived(fetch, **object);
    } else if (object.error().code() == ErrorCode::not_found) {
        changes = views_->absent(fetch);
    } else if (object.error().code() == ErrorCode::permission_denied) {
        world_.note("{} may not read {}", name_, fetch.key.text());
        const Duration wait = world_.between(1s, 60s);
        views_->refused(fetch, object.error().message(), world_.now() + wait);
        later(wait, [this] { fetch_objects(); });
    } else {
        views_->unanswered(fetch);
    }
    if (!changes.empty()) {
        spread(changes);
    }
    look_if_whole();
    fetch_objects();
}

void HubProcess::fetch_soon(Feed& feed) {
    if (feed.fetching || !feed.following) {
        return;
    }
    feed.fetching = true;
    const Instant due = std::max(world_.now() + world_.between(1ms, 50ms), feed.broken_until);
    later(due - world_.now(), [this, &feed] {
        feed.fetching = false;
        fetch(feed);
    });
}

void HubProcess::fetch(Feed& feed) {
    if (!feed.following) {
        return;
    }
    // Every connection broke, and what answers now may be another server: all of it is read anew.
    if (feed.incarnation != api_.incarnation()) {
        list(feed);
        return;
    }
    const auto changes = api_.changes_after(feed.kind, feed.revision);
    if (!changes) {
        list(feed);
        return;
    }
    for (const Change& change : *changes) {
        feed.revision = change.revision;
        spread(change.removed ? views_->deleted(*change.object) : views_->changed(*change.object));
    }
}

void HubProcess::break_watch() {
    auto feed = feeds_.begin();
    std::advance(feed, static_cast<std::ptrdiff_t>(world_.random.between(0, feeds_.size() - 1)));
    world_.note("{} loses its watch of {}", name_, feed->first);
    feed->second.broken_until = world_.now() + world_.between(100ms, 30s);
}

void HubProcess::spread(const views::ViewChanges& changes) {
    std::map<std::string, views::ViewChanges> by_node;
    for (const views::ViewChange& change : changes) {
        by_node[change.node].push_back(change);
    }
    std::map<std::uint64_t, views::ViewChanges> by_session;
    for (const auto& [id, session] : sessions_) {
        // An empty change tells that the view may be whole by now.
        const auto found = by_node.find(session->node);
        if (found != by_node.end()) {
            by_session[id] = found->second;
        } else if (changes.empty()) {
            by_session[id];
        }
    }
    for (auto& [id, of_session] : by_session) {
        tell(id, hub::event::ViewChanged{std::move(of_session)});
    }
    for (const views::NewMachine& machine : views_->take_new_machines()) {
        learn(machine);
    }
    fetch_objects();
    keep_hold();
}

void HubProcess::keep_hold() {
    const views::RemovalHold& hold = views_->hold();
    // What had been reported may be lost with the newer state: every machine says it all again.
    if (std::exchange(api_epoch_, hold.api_epoch()) != hold.api_epoch()) {
        later(0s, [this] { dismiss_all(); });
    }
    std::string record = hold.encode();
    if (record == kept_hold_) {
        return;
    }
    kept_hold_ = std::move(record);
    ask<ObjectPtr>(
        [this, text = kept_hold_]() -> Result<ObjectPtr> {
            json::Value object = json::Value::make_object();
            object.set("kind", json::Value::of(kHoldKey.kind));
            object.ensure_path({"metadata"}).set("namespace", json::Value::of(kHoldKey.ns));
            object.ensure_path({"metadata"}).set("name", json::Value::of(kHoldKey.name));
            object.ensure_path({"data"}).set("record", json::Value::of(text));
            return api_.get(kHoldKey) ? api_.update(object) : api_.create(object);
        },
        [this](const Result<ObjectPtr>& kept) {
            if (!kept) {
                kept_hold_.clear();
                later(1s, [this] { keep_hold(); });
            }
        }
    );
}

void HubProcess::confirm_all() {
    for (const auto& [scope, held] : std::map(views_->hold().held())) {
        world_.note("{} hold of '{}' confirmed: {}", name_, scope, held.reason);
        world_.ledger.absence_counts();
        spread(views_->confirm(scope));
        dismiss_all();
    }
}

void HubProcess::dismiss_all() {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, session] : sessions_) {
        ids.push_back(id);
    }
    for (const std::uint64_t id : ids) {
        tell(id, hub::event::Dismissed{tunnel::GoodbyeReason::shutting_down, "resume, please"});
    }
}

}  // namespace farhold::simulation
