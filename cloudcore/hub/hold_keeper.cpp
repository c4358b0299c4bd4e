// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/hold_keeper.hpp"

#include "common/async/timeout.hpp"
#include "common/kubeapi/event_record.hpp"
#include "common/log/trouble.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

namespace farhold::hub {

namespace {

constexpr Duration kRetry = std::chrono::seconds(5);
// Between two writes: when a fleet comes back, each machine changes what is kept.
constexpr Duration kPause = std::chrono::seconds(1);

const std::string kNamespace(views::kHoldNamespace);
const std::string kName(views::kHoldName);

kubeapi::ListOptions only_the_hold() {
    kubeapi::ListOptions options;
    options.ns = kNamespace;
    options.field_selector = "metadata.name=" + kName;
    return options;
}

}  // namespace

HoldKeeper::HoldKeeper(
    Executor executor, kubeapi::KubeClient& client, OnConfirmed on_confirmed, log::Logger logger
)
    : client_(client),
      on_confirmed_(std::move(on_confirmed)),
      logger_(logger.with({{"component", "holds"}})),
      handler_(
          [this](const std::string&, const kubeapi::ObjectPtr& map) {
              if (!views::confirmed_names(*map).empty()) due_.set();
          },
          [this](const std::string&) { due_.set(); }
      ),
      informer_(client, kubeapi::kConfigMaps, only_the_hold(), handler_, logger_),
      due_(std::move(executor)) {}

Task<Result<views::RemovalHold>> HoldKeeper::load() {
    const auto map = co_await client_.get(kubeapi::kConfigMaps, kNamespace, kName);
    if (!map && map.error().code() == ErrorCode::not_found) co_return views::RemovalHold();
    if (!map) co_return fail(map.error().within("read the removal hold"));
    auto hold = views::read_hold(*map);
    if (hold) {
        kept_record_ = hold->encode();
        for (const auto& [scope, held] : hold->held()) {
            told_.insert(scope);
            logger_.error(
                "removals are still held",
                {{"scope", views::scope_name(scope)}, {"reason", held.reason}}
            );
        }
    }
    co_return hold;
}

void HoldKeeper::start(views::ClusterViews& views, TaskGroup& group) {
    views_ = &views;
    group.spawn(informer_.run());
    group.spawn(run());
}

void HoldKeeper::look() {
    if (views_->hold().encode() != kept_record_ || views_->kept_objects() != kept_objects_) {
        due_.set();
    }
}

Task<> HoldKeeper::run() {
    log::Trouble trouble(logger_, "removal hold not kept", "removal hold kept");
    while (true) {
        co_await due_.wait();
        const auto kept = co_await keep();
        if (kept) {
            trouble.over(clock_.now().mono);
            co_await sleep_for(kPause);
            continue;
        }
        trouble.met(kept.error().message(), clock_.now().mono);
        co_await sleep_for(kRetry);
        due_.set();
    }
}

// Whoever changes the map between our reading and writing it is not overwritten: we look again.
Task<Result<>> HoldKeeper::keep() {
    auto map = co_await client_.get(kubeapi::kConfigMaps, kNamespace, kName);
    const bool is_missing = !map && map.error().code() == ErrorCode::not_found;
    if (!map && !is_missing) co_return fail(map.error());
    if (is_missing) map = views::make_hold_map();
    const bool has_confirmed = co_await carry_out(*map);
    views_->date_holds(clock_.now().wall);
    std::string record = views_->hold().encode();
    views::ObjectsByMachine objects = views_->kept_objects();
    const bool is_kept = record == kept_record_ && objects == kept_objects_;
    if (is_kept && !is_missing && !has_confirmed) co_return Result<>{};
    views::write_hold(*map, views_->hold(), objects);
    const auto written = is_missing
                             ? co_await client_.create(kubeapi::kConfigMaps, kNamespace, *map)
                             : co_await client_.update(kubeapi::kConfigMaps, kNamespace, *map);
    if (!written) co_return fail(written.error());
    kept_record_ = std::move(record);
    kept_objects_ = std::move(objects);
    co_await tell_new(*written);
    look();
    co_return Result<>{};
}

// What is not held here may be held by another hub.
Task<bool> HoldKeeper::carry_out(json::Value& map) {
    std::vector<std::string> left;
    bool has_confirmed = false;
    for (const std::string& name : views::confirmed_names(map)) {
        const auto scope = views::scope_named(name);
        if (!scope || !views_->hold().held().contains(*scope)) {
            left.push_back(name);
            continue;
        }
        has_confirmed = true;
        logger_.info("removal of what is held confirmed", {{"scope", name}});
        on_confirmed_(*scope);
        told_.erase(*scope);
        co_await tell(
            map, *scope, "Normal", "RemovalsConfirmed",
            "what was held is removed, as somebody has confirmed"
        );
    }
    views::set_confirmed_names(map, left);
    co_return has_confirmed;
}

Task<> HoldKeeper::tell_new(const json::Value& map) {
    const auto held = views_->hold().held();
    for (const auto& [scope, one] : held) {
        if (!told_.insert(scope).second) continue;
        const std::string name = views::scope_name(scope);
        const std::string command = "cloudcore holds confirm " + name;
        logger_.error(
            "removals held until somebody confirms them",
            {{"scope", name}, {"reason", one.reason}, {"confirm", command}}
        );
        co_await tell(
            map, scope, "Warning", "RemovalsHeld",
            fmt::format(
                "{}: what machines have and the cluster lacks stays there until somebody says that "
                "it is gone indeed: {}",
                one.reason, command
            )
        );
    }
}

// About the Node of a node's hold, so that `kubectl describe node` shows it; else about the record.
Task<> HoldKeeper::tell(
    const json::Value& map, std::string scope, std::string type, std::string reason,
    std::string message
) {
    json::Value about = kubeapi::reference_to(map, "v1", "ConfigMap");
    if (scope != views::RemovalHold::kWholeCluster) {
        const auto node = co_await client_.get(kubeapi::kNodes, "", scope);
        if (node) about = kubeapi::reference_to(*node, "v1", "Node");
    }
    const std::string ns(about.text_at({"namespace"}, "default"));
    json::Value event = kubeapi::make_event(
        std::move(about), type, reason, std::move(message), "cloudcore", clock_.now().wall
    );
    const auto created = co_await client_.create(kubeapi::kEvents, ns, std::move(event));
    if (!created) {
        logger_.warning("event not written", {{"error", created.error().message()}});
    }
}

}  // namespace farhold::hub
