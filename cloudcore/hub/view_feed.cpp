// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/view_feed.hpp"

#include "cloudcore/views/listed_object.hpp"
#include "common/async/timeout.hpp"
#include "common/base/backoff.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/log/trouble.hpp"
#include "common/object/metadata.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace farhold::hub {

namespace {

// The Pods of so many new machines are listed by machine; those of more by one list of all Pods.
constexpr std::size_t kListedApart = 8;
constexpr Duration kLearnRetryBase = std::chrono::milliseconds(500);
constexpr Duration kLearnRetryCap = std::chrono::seconds(30);

struct FollowedKind {
    std::string_view kind;
    const kubeapi::ResourceRef& resource;
};
// Nodes are listed first: which Pods count depends on them. Pods are last: what they refer to is
// fetched once, since it is being watched by then.
const FollowedKind kFollowed[] = {
    {"Node", kubeapi::kNodes},
    {"ConfigMap", kubeapi::kConfigMaps},
    {"Secret", kubeapi::kSecrets},
    {"Service", kubeapi::kServices},
    {"ServiceAccount", kubeapi::kServiceAccounts},
    {"DeviceModel", kubeapi::kDeviceModels},
    {"Device", kubeapi::kDevices},
    {"Pod", kubeapi::kPods},
};

// Beside a cluster their definitions may not be there.
bool is_device_kind(std::string_view kind) {
    return kind == "Device" || kind == "DeviceModel";
}

kubeapi::ListOptions options_for(std::string_view kind) {
    kubeapi::ListOptions options;
    options.metadata_only = views::is_referred_kind(kind);
    return options;
}

}  // namespace

class ViewFeed::KindHandler final : public kubeapi::ObjectHandler {
public:
    KindHandler(ViewFeed& owner, const FollowedKind& followed)
        : owner_(owner),
          kind_(followed.kind),
          informer_(owner.client_, followed.resource, options_for(kind_), *this, owner.logger_) {}

    kubeapi::Informer& informer() { return informer_; }

    kubeapi::ObjectPtr read(kubeapi::ObjectPtr object) override {
        const kubeapi::ObjectPtr needed = as_needed(object);
        const views::ViewChanges changes = owner_.views_->read(*needed);
        if (!changes.empty()) owner_.deliver(changes);  // Else when the list is over.
        look_at(needed);
        return std::make_shared<const json::Value>(views::identity_of(*needed, kind_));
    }
    Task<Result<>> check_list() override { co_return co_await owner_.read_identity(); }
    void replaced(const std::vector<kubeapi::ObjectPtr>& objects) override {
        std::set<object::ObjectKey> present;
        for (const kubeapi::ObjectPtr& object : objects) {
            present.insert(object::ObjectKey::of(*object));
        }
        const views::ListedKind list{
            .kind = kind_,
            .cluster_uid = owner_.cluster_uid_,
            .resource_version = informer_.resource_version(),
            .complete = true,
        };
        owner_.deliver(owner_.views_->listed(list, present));
        if (std::exchange(told_not_served_, false)) {
            owner_.logger_.info("kind served by the API", {{"kind", kind_}});
        }
        if (!std::exchange(listed_, true)) owner_.first_listed(kind_);
    }
    bool not_served() override {
        if (!is_device_kind(kind_)) return false;
        if (std::exchange(told_not_served_, true)) return true;
        owner_.logger_.info("kind not served by the API", {{"kind", kind_}});
        if (!std::exchange(listed_, true)) owner_.first_listed(kind_);
        return true;
    }
    void changed(const kubeapi::ObjectPtr& object) override {
        const kubeapi::ObjectPtr needed = as_needed(object);
        owner_.deliver(owner_.views_->changed(*needed));
        look_at(needed);
    }
    void removed(const kubeapi::ObjectPtr& object) override {
        owner_.deliver(owner_.views_->deleted(*as_needed(object)));
    }

private:
    void look_at(const kubeapi::ObjectPtr& needed) {
        if (kind_ == "Pod") owner_.tell_of(needed);
    }

    // What the views look at, and of most objects no more than that: they are dropped again.
    [[nodiscard]] kubeapi::ObjectPtr as_needed(const kubeapi::ObjectPtr& object) const {
        const bool is_whole = kind_ == "Node" || kind_ == "Service" || is_device_kind(kind_) ||
                              (kind_ == "Pod" && owner_.views_->is_machine_pod(*object));
        return is_whole ? views::with_kind(object, kind_)
                        : std::make_shared<const json::Value>(views::identity_of(*object, kind_));
    }

    ViewFeed& owner_;
    std::string kind_;
    bool listed_ = false;
    bool told_not_served_ = false;  // Since it was listed last.
    kubeapi::Informer informer_;
};

ViewFeed::ViewFeed(
    Executor executor, kubeapi::KubeClient& client, const Clock& clock, Listener listener,
    ResumeAll resume_all, Options options, log::Logger logger
)
    : client_(client),
      listener_(std::move(listener)),
      resume_all_(std::move(resume_all)),
      on_machine_pod_(std::move(options.on_machine_pod)),
      logger_(logger.with({{"component", "views"}})),
      machines_found_(executor),
      hold_keeper_(
          executor, client, [this](const std::string& scope) { carry_out_confirmation(scope); },
          logger
      ),
      fetcher_(
          std::move(executor), client, clock,
          [this](const views::ViewChanges& changes) {
              deliver(changes);
              look_if_whole();
          },
          logger
      ) {
    for (const FollowedKind& followed : kFollowed) {
        if (followed.kind == "Service" && !options.has_services) continue;
        kinds_.push_back(std::make_unique<KindHandler>(*this, followed));
    }
    waiting_for_ = kinds_.size();
}

ViewFeed::~ViewFeed() = default;

Task<Result<>> ViewFeed::load() {
    auto hold = co_await hold_keeper_.load();
    if (!hold) co_return fail(hold.error());
    views_ = std::make_unique<views::ClusterViews>(std::move(*hold));
    api_epoch_ = views_->hold().api_epoch();
    co_return Result<>{};
}

void ViewFeed::start(TaskGroup& group) {
    group_ = &group;
    group.spawn(kinds_.front()->informer().run());
    hold_keeper_.start(*views_, group);
    group.spawn(learn_pods());
    fetcher_.start(group, *views_);
}

// Read after the list, so that a list of another server than before is never taken for the known one's.
Task<Result<>> ViewFeed::read_identity() {
    const auto system = co_await client_.get(kubeapi::kNamespaces, "", "kube-system");
    if (!system) co_return fail(system.error().within("identity of the cluster"));
    cluster_uid_ = object::uid(*system);
    co_return Result<>{};
}

void ViewFeed::first_listed(std::string_view kind) {
    --waiting_for_;
    if (kind == kFollowed[0].kind) {
        for (std::size_t i = 1; i + 1 < kinds_.size(); ++i) {
            group_->spawn(kinds_[i]->informer().run());
        }
    } else if (waiting_for_ == 1) {
        group_->spawn(kinds_.back()->informer().run());
    }
    look_if_whole();
}

void ViewFeed::look_if_whole() {
    if (whole_ || waiting_for_ > 0 || !views_->needed().all_answered()) return;
    whole_ = true;
    logger_.info("cluster known");
    listener_({});
}

void ViewFeed::tell_of(const kubeapi::ObjectPtr& pod) {
    if (on_machine_pod_ && views_->is_machine_pod(*pod)) on_machine_pod_(pod);
}

Task<> ViewFeed::learn_pods() {
    Random random = Random::from_system();
    Backoff backoff(kLearnRetryBase, kLearnRetryCap);
    log::Trouble trouble(logger_, "pods of new machines not listed", "pods of new machines listed");
    const SystemClock clock;
    while (true) {
        if (to_learn_.empty()) {
            co_await machines_found_.wait();
            continue;
        }
        const std::size_t count = to_learn_.size() > kListedApart ? to_learn_.size() : 1;
        const auto listed = co_await list_pods_of_first(count);
        if (!listed) {
            trouble.met(listed.error().message(), clock.now().mono);
            co_await sleep_for(backoff.next(random));
            continue;
        }
        trouble.over(clock.now().mono);
        backoff.reset();
        std::map<std::string_view, std::vector<const json::Value*>> pods;
        for (const kubeapi::ObjectPtr& pod : *listed) {
            if (pod != nullptr) pods[pod->text_at({"spec", "nodeName"})].push_back(pod.get());
        }
        for (std::size_t i = 0; i < count; ++i) {
            deliver(views_->learned(to_learn_.front(), pods[to_learn_.front().node]));
            to_learn_.pop_front();
        }
        listener_({});
        for (const kubeapi::ObjectPtr& pod : *listed) {
            if (pod != nullptr) tell_of(pod);
        }
    }
}

Task<Result<std::vector<kubeapi::ObjectPtr>>> ViewFeed::list_pods_of_first(std::size_t count) {
    std::set<std::string_view> nodes;
    for (std::size_t i = 0; i < count; ++i) nodes.insert(to_learn_[i].node);
    kubeapi::ListOptions options;
    if (count == 1) options.field_selector = "spec.nodeName=" + to_learn_.front().node;
    options.on_read = [&nodes](const kubeapi::ObjectPtr& pod) {
        const bool is_wanted = nodes.contains(pod->text_at({"spec", "nodeName"}));
        return is_wanted ? views::with_kind(pod, "Pod") : nullptr;
    };
    auto listed = co_await client_.list(kubeapi::kPods, std::move(options));
    if (!listed) co_return fail(listed.error());
    co_return std::move(listed->items);
}

Task<Result<bool>> ViewFeed::is_gone(object::ObjectKey key, std::string uid) {
    const auto followed = std::ranges::find(kFollowed, key.kind, &FollowedKind::kind);
    if (followed == std::end(kFollowed)) co_return true;  // No view has such objects.
    const auto current = co_await client_.get(followed->resource, key.ns, key.name);
    if (current) co_return object::uid(*current) != uid;
    if (current.error().code() == ErrorCode::not_found) co_return true;
    co_return fail(current.error());
}

void ViewFeed::deliver(const views::ViewChanges& changes) {
    if (!changes.empty()) listener_(changes);
    for (views::NewMachine& machine : views_->take_new_machines()) {
        to_learn_.push_back(std::move(machine));
        machines_found_.set();
    }
    fetcher_.look();
    const views::RemovalHold& hold = views_->hold();
    // What machines had reported may be lost with the newer state: they say all of it again.
    if (std::exchange(api_epoch_, hold.api_epoch()) != hold.api_epoch()) {
        logger_.error("the cluster went back in time or is another one");
        resume_all_();
    }
    hold_keeper_.look();
}

void ViewFeed::carry_out_confirmation(const std::string& scope) {
    deliver(views_->confirm(scope));
    resume_all_();
}

bool ViewFeed::may_remove_surplus(
    const std::string& node, std::string_view held_node_uid, std::size_t objects
) {
    const bool may_remove = views_->may_remove_surplus(node, held_node_uid, objects);
    hold_keeper_.look();
    return may_remove;
}

std::size_t ViewFeed::kept_objects() const {
    std::size_t all = 0;
    for (const auto& [node, objects] : views_->kept_objects()) all += objects;
    return all;
}

}  // namespace farhold::hub
