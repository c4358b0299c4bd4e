// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/view_feed.hpp"

#include "common/async/timeout.hpp"
#include "common/base/time.hpp"
#include "common/log/trouble.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace farhold::hub {

namespace {

constexpr const char* kHoldNamespace = "kube-system";
constexpr const char* kHoldName = "farhold-removal-hold";
constexpr const char* kConfirm = "farhold.io/confirm";
constexpr const char* kClusterScope = "cluster";
constexpr Duration kRetry = std::chrono::seconds(5);

struct FollowedKind {
    std::string_view kind;
    const kubeapi::ResourceRef& resource;
};
const FollowedKind kFollowed[] = {
    {"Node", kubeapi::kNodes},
    {"Pod", kubeapi::kPods},
    {"ConfigMap", kubeapi::kConfigMaps},
    {"Secret", kubeapi::kSecrets},
    {"ServiceAccount", kubeapi::kServiceAccounts},
};

}  // namespace

class ViewFeed::KindHandler final : public kubeapi::ObjectHandler {
public:
    KindHandler(ViewFeed& owner, const FollowedKind& followed)
        : owner_(owner),
          kind_(followed.kind),
          informer_(owner.client_, followed.resource, {}, *this, owner.logger_) {}

    kubeapi::Informer& informer() { return informer_; }

    void replaced(const std::vector<kubeapi::ObjectPtr>& objects) override {
        std::vector<kubeapi::ObjectPtr> named;
        std::vector<const json::Value*> all;
        for (const kubeapi::ObjectPtr& object : objects) {
            named.push_back(with_kind(object));
            all.push_back(named.back().get());
        }
        const views::ListedKind list{
            .kind = kind_,
            .cluster_uid = owner_.cluster_uid_,
            .resource_version = informer_.resource_version(),
            .complete = true,
        };
        owner_.deliver(owner_.views_->listed(list, all));
        if (!std::exchange(listed_, true) && --owner_.waiting_for_ == 0) {
            owner_.logger_.info("cluster known");
            owner_.listener_({});
        }
        for (const kubeapi::ObjectPtr& object : named) look_for_confirmation(*object);
    }
    void changed(const kubeapi::ObjectPtr& object) override {
        owner_.deliver(owner_.views_->changed(*with_kind(object)));
        look_for_confirmation(*object);
    }
    void removed(const kubeapi::ObjectPtr& object) override {
        owner_.deliver(owner_.views_->deleted(*with_kind(object)));
    }

private:
    void look_for_confirmation(const json::Value& object) {
        if (kind_ == "ConfigMap") owner_.look_for_confirmation(object);
    }

    // Items of a typed list may come without their kind.
    [[nodiscard]] kubeapi::ObjectPtr with_kind(const kubeapi::ObjectPtr& object) const {
        if (!object::kind(*object).empty()) return object;
        json::Value named = *object;
        named.set("apiVersion", json::Value::of("v1"));
        named.set("kind", json::Value::of(kind_));
        return std::make_shared<const json::Value>(std::move(named));
    }

    ViewFeed& owner_;
    std::string kind_;
    bool listed_ = false;
    kubeapi::Informer informer_;
};

ViewFeed::ViewFeed(
    Executor executor, kubeapi::KubeClient& client, std::string cluster_uid, Listener listener,
    ResumeAll resume_all, log::Logger logger
)
    : client_(client),
      cluster_uid_(std::move(cluster_uid)),
      listener_(std::move(listener)),
      resume_all_(std::move(resume_all)),
      logger_(logger.with({{"component", "views"}})),
      hold_changed_(std::move(executor)) {
    for (const FollowedKind& followed : kFollowed) {
        kinds_.push_back(std::make_unique<KindHandler>(*this, followed));
    }
    waiting_for_ = kinds_.size();
}

ViewFeed::~ViewFeed() = default;

Task<Result<>> ViewFeed::load() {
    const auto record = co_await client_.get(kubeapi::kConfigMaps, kHoldNamespace, kHoldName);
    views::RemovalHold hold;
    if (record) {
        kept_hold_ = std::string(record->text_at({"data", "record"}));
        auto decoded = views::RemovalHold::decode(kept_hold_);
        if (!decoded) {
            co_return fail(decoded.error().within("ConfigMap kube-system/farhold-removal-hold"));
        }
        hold = std::move(*decoded);
    } else if (record.error().code() != ErrorCode::not_found) {
        co_return fail(record.error().within("read the removal hold"));
    }
    views_ = std::make_unique<views::ClusterViews>(std::move(hold));
    api_epoch_ = views_->hold().api_epoch();
    co_return Result<>{};
}

void ViewFeed::start(TaskGroup& group) {
    for (auto& kind : kinds_) group.spawn(kind->informer().run());
    group.spawn(keep_hold());
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
    const views::RemovalHold& hold = views_->hold();
    // What machines had reported may be lost with the newer state: they say all of it again.
    if (std::exchange(api_epoch_, hold.api_epoch()) != hold.api_epoch()) {
        logger_.error("the cluster went back in time or is another one");
        resume_all_();
    }
    if (hold.encode() != kept_hold_) hold_changed_.set();
}

void ViewFeed::look_for_confirmation(const json::Value& config_map) {
    if (object::name(config_map) != kHoldName || object::ns(config_map) != kHoldNamespace) return;
    const auto scope = object::annotation(config_map, kConfirm).value_or("");
    if (scope.empty()) return;
    logger_.info("removal of what is held confirmed", {{"scope", scope}});
    deliver(views_->confirm(scope == kClusterScope ? std::string() : std::string(scope)));
    resume_all_();
    confirmation_seen_ = true;
    hold_changed_.set();
}

Task<> ViewFeed::keep_hold() {
    log::Trouble trouble(logger_, "removal hold not kept", "removal hold kept");
    const SystemClock clock;
    while (true) {
        co_await hold_changed_.wait();
        const std::string record = views_->hold().encode();
        if (record == kept_hold_ && !confirmation_seen_) continue;
        const auto written = co_await write_hold(record);
        if (written) {
            trouble.over(clock.now().mono);
            kept_hold_ = record;
            confirmation_seen_ = false;
            log_hold();
            continue;
        }
        trouble.met(written.error().message(), clock.now().mono);
        co_await sleep_for(kRetry);
        hold_changed_.set();
    }
}

Task<Result<>> ViewFeed::write_hold(std::string record) {
    json::Value map = json::Value::make_object();
    map.set("apiVersion", json::Value::of("v1"));
    map.set("kind", json::Value::of("ConfigMap"));
    map.ensure_path({"metadata"}).set("name", json::Value::of(kHoldName));
    map.ensure_path({"data"}).set("record", json::Value::of(std::move(record)));
    // The whole object, so that an old confirmation goes with it.
    auto written = co_await client_.update(kubeapi::kConfigMaps, kHoldNamespace, map);
    if (!written && written.error().code() == ErrorCode::not_found) {
        written = co_await client_.create(kubeapi::kConfigMaps, kHoldNamespace, map);
    }
    if (!written) co_return fail(written.error());
    co_return Result<>{};
}

void ViewFeed::log_hold() const {
    for (const auto& [scope, held] : views_->hold().held()) {
        const std::string shown = scope.empty() ? kClusterScope : scope;
        const std::string command = fmt::format(
            "kubectl annotate -n {} configmap {} {}={}", kHoldNamespace, kHoldName, kConfirm, shown
        );
        logger_.error(
            "removals held until somebody confirms them",
            {{"scope", shown}, {"reason", held.reason}, {"confirm", command}}
        );
    }
}

}  // namespace farhold::hub
