// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/view_feed.hpp"

#include "common/async/timeout.hpp"
#include "common/object/metadata.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace farhold::hub {

namespace {

constexpr const char* kHoldNamespace = "kube-system";
constexpr const char* kHoldName = "farhold-removal-hold";
constexpr Duration kRetry = std::chrono::seconds(5);

struct FollowedKind {
    std::string_view kind;
    const kubeapi::ResourceRef& resource;
};
const FollowedKind kFollowed[] = {
    {"Node", kubeapi::kNodes},           {"Pod", kubeapi::kPods},
    {"ConfigMap", kubeapi::kConfigMaps}, {"Secret", kubeapi::kSecrets},
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
        const views::ViewChanges changes = owner_.views_->listed(list, all);
        if (!listed_) {
            listed_ = true;
            --owner_.waiting_for_;
        }
        owner_.deliver(changes);
    }
    void changed(const kubeapi::ObjectPtr& object) override {
        owner_.deliver(owner_.views_->changed(*with_kind(object)));
    }
    void removed(const kubeapi::ObjectPtr& object) override {
        owner_.deliver(owner_.views_->deleted(*with_kind(object)));
    }

private:
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
    log::Logger logger
)
    : client_(client),
      cluster_uid_(std::move(cluster_uid)),
      listener_(std::move(listener)),
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
    if (views_->hold().encode() != kept_hold_) hold_changed_.set();
    listener_(changes);
}

Task<> ViewFeed::keep_hold() {
    while (true) {
        co_await hold_changed_.wait();
        const std::string record = views_->hold().encode();
        if (record == kept_hold_) continue;
        json::Value map = json::Value::make_object();
        map.set("apiVersion", json::Value::of("v1"));
        map.set("kind", json::Value::of("ConfigMap"));
        map.ensure_path({"metadata"}).set("name", json::Value::of(kHoldName));
        map.ensure_path({"data"}).set("record", json::Value::of(record));
        auto written = co_await client_.update(kubeapi::kConfigMaps, kHoldNamespace, map);
        if (!written && written.error().code() == ErrorCode::not_found) {
            written = co_await client_.create(kubeapi::kConfigMaps, kHoldNamespace, map);
        }
        if (written) {
            kept_hold_ = record;
            continue;
        }
        logger_.warning("removal hold not kept", {{"error", written.error().message()}});
        co_await sleep_for(kRetry);
        hold_changed_.set();
    }
}

}  // namespace farhold::hub
