// SPDX-License-Identifier: Apache-2.0
//
// The keeper beside an embedded API.
#include "cloudcore/hub/hold_keeper.hpp"

#include "common/async/event.hpp"
#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/embedded_api.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace farhold::hub {
namespace {

using namespace std::chrono_literals;

struct Fixture {
    kubeapi::KubeClient& client;
    HoldKeeper& keeper;
    views::ClusterViews& views;
    std::vector<std::string>& confirmed;
};

Task<json::Value> kept_map(kubeapi::KubeClient& client) {
    const auto map = co_await client.get(
        kubeapi::kConfigMaps, std::string(views::kHoldNamespace), std::string(views::kHoldName)
    );
    co_return map.value_or(views::make_hold_map());
}

Task<std::vector<std::string>> events(kubeapi::KubeClient& client) {
    std::vector<std::string> reasons;
    kubeapi::ListOptions all;
    const auto listed = co_await client.list(kubeapi::kEvents, all);
    for (const auto& event : listed->items) {
        reasons.emplace_back(
            std::string(event->text_at({"reason"})) + " " +
            std::string(event->text_at({"involvedObject", "kind"}))
        );
    }
    co_return reasons;
}

Task<> until_told(kubeapi::KubeClient& client, std::size_t count) {
    Event never(co_await this_executor);
    while ((co_await events(client)).size() < count) co_await never.wait_for(1ms);
}

Task<json::Value> until_carried_out(kubeapi::KubeClient& client) {
    Event never(co_await this_executor);
    while (true) {
        json::Value map = co_await kept_map(client);
        if (views::confirmed_names(map).empty()) co_return map;
        co_await never.wait_for(1ms);
    }
}

template <class Body>
void with_keeper(Body body) {
    apiserver::with_client([&](apiserver::EmbeddedClient& client) -> Task<> {
        const Executor executor = co_await this_executor;
        CHECK(co_await client.create(kubeapi::kNamespaces, "", apiserver::named("kube-system"), "")
        );
        CHECK(co_await client.create(kubeapi::kNodes, "", apiserver::named("edge-1"), ""));
        std::vector<std::string> confirmed;
        views::ClusterViews* views = nullptr;
        HoldKeeper keeper(
            executor, client,
            [&](const std::string& scope) {
                confirmed.push_back(scope);
                views->confirm(scope);
            },
            {}
        );
        auto hold = co_await keeper.load();
        REQUIRE(hold);
        views::ClusterViews made(std::move(*hold));
        views = &made;
        TaskGroup group(executor);
        keeper.start(made, group);
        co_await body(Fixture{client, keeper, made, confirmed});
        group.cancel();
        co_await group.join();
    });
}

}  // namespace

TEST_CASE("hold keeper: a hold is kept and told, and ends when it is confirmed", "[hub]") {
    with_keeper([](Fixture f) -> Task<> {
        CHECK_FALSE(f.views.may_remove_surplus("edge-1", "old", 3));
        f.keeper.look();
        co_await until_told(f.client, 1);
        CHECK((co_await events(f.client)).front() == "RemovalsHeld Node");
        json::Value map = co_await kept_map(f.client);
        const auto held = views::read_held_removals(map);
        REQUIRE(held->size() == 1);
        CHECK(held->front().name == "node/edge-1");
        CHECK(held->front().since.has_value());
        CHECK(held->front().machines.at("edge-1") == 3);

        // A hub that starts now finds it.
        HoldKeeper other(co_await this_executor, f.client, {}, {});
        const auto found = co_await other.load();
        CHECK(found->holds("edge-1"));

        views::set_confirmed_names(map, {"node/edge-1"});
        CHECK(co_await f.client.update(kubeapi::kConfigMaps, "kube-system", map));
        map = co_await until_carried_out(f.client);
        CHECK(f.confirmed == std::vector<std::string>{"edge-1"});
        CHECK(views::read_held_removals(map)->empty());
        CHECK(f.views.may_remove_surplus("edge-1", "old", 3));
        co_await until_told(f.client, 2);
        CHECK((co_await events(f.client)).back() == "RemovalsConfirmed Node");
    });
}

}  // namespace farhold::hub
