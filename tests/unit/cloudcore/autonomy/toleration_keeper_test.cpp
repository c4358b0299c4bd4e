// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/autonomy/toleration_keeper.hpp"

#include "cloudcore/autonomy/tolerations.hpp"
#include "common/async/event.hpp"
#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/embedded_api.hpp"
#include "tests/support/forwarding_client.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace farhold::autonomy {
namespace {

using kubeapi::ObjectPtr;
using namespace std::chrono_literals;

// The embedded API, which answers patches of pods with these errors first.
class StubbornClient final : public test::ForwardingClient {
public:
    using ForwardingClient::ForwardingClient;

    Task<Result<json::Value>> get(kubeapi::ResourceRef resource, std::string ns, std::string name)
        override {
        ++reads;
        return ForwardingClient::get(std::move(resource), std::move(ns), std::move(name));
    }
    Task<Result<json::Value>> patch(
        kubeapi::ResourceRef resource, std::string ns, std::string name, kubeapi::Patch patch
    ) override {
        ++writes;
        if (before_patch) co_await std::exchange(before_patch, nullptr)();
        if (!errors.empty()) {
            const ErrorCode code = errors.front();
            errors.pop_front();
            co_return fail(code, "not now");
        }
        co_return co_await ForwardingClient::patch(
            std::move(resource), std::move(ns), std::move(name), std::move(patch)
        );
    }

    std::deque<ErrorCode> errors;
    std::function<Task<>()> before_patch;
    int writes = 0;
    int reads = 0;
};

struct Fixture {
    kubeapi::KubeObjects& api;
    StubbornClient& client;
    TolerationKeeper& keeper;
};

json::Value make_pod(std::string_view name) {
    json::Value pod = json::Value::parse(
                          R"({"metadata":{"name":"x"},"spec":{"nodeName":"edge-1",
        "containers":[{"name":"c","image":"i"}],"tolerations":[
        {"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute",
        "tolerationSeconds":300},
        {"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute",
        "tolerationSeconds":300}]}})"
    )
                          .value();
    pod["metadata"].set("name", json::Value::of(name));
    return pod;
}

// The keeper before the embedded API, running while the body runs.
template <class Body>
void with_keeper(Body body) {
    apiserver::with_client([&](apiserver::EmbeddedClient& api) -> Task<> {
        const Executor executor = co_await this_executor;
        const SystemClock clock;
        StubbornClient client(api);
        TolerationKeeper keeper(executor, client, clock, log::Logger());
        TaskGroup group(executor);
        keeper.start(group);
        co_await body(Fixture{api, client, keeper});
        group.cancel();
        co_await group.join();
    });
}

Task<ObjectPtr> create_pod(kubeapi::KubeObjects& api, std::string name) {
    auto made = co_await api.create(kubeapi::kPods, "default", make_pod(name), "");
    REQUIRE(made);
    co_return std::make_shared<const json::Value>(std::move(*made));
}

Task<> until_idle(const TolerationKeeper& keeper) {
    Event never(co_await this_executor);
    while (keeper.waiting() > 0) co_await never.wait_for(1ms);
}

Task<bool> stays(kubeapi::KubeObjects& api, std::string name) {
    const auto pod = co_await api.get(kubeapi::kPods, "default", name);
    REQUIRE(pod);
    co_return !patch_to_stay(*pod);
}

}  // namespace

TEST_CASE("toleration keeper: many pods are written once each", "[autonomy]") {
    with_keeper([](Fixture f) -> Task<> {
        for (int i = 0; i < 12; ++i) {
            const ObjectPtr pod = co_await create_pod(f.api, "p" + std::to_string(i));
            f.keeper.look_at(pod);
            f.keeper.look_at(pod);
            CHECK(pod.use_count() == 1);  // A cluster full of pods is not kept while it waits.
        }
        co_await until_idle(f.keeper);
        CHECK(f.keeper.counters().written == 12);
        CHECK(f.client.writes == 12);
        CHECK(f.client.reads == 0);
        for (int i = 0; i < 12; ++i) CHECK(co_await stays(f.api, "p" + std::to_string(i)));
        const auto done = co_await f.api.get(kubeapi::kPods, "default", "p1");
        f.keeper.look_at(std::make_shared<const json::Value>(*done));
        CHECK(f.keeper.waiting() == 0);
    });
}

TEST_CASE("toleration keeper: what changed meanwhile is looked at again", "[autonomy]") {
    with_keeper([](Fixture f) -> Task<> {
        const ObjectPtr pod = co_await create_pod(f.api, "p");
        // Somebody adds a toleration in front, so that ours stand elsewhere.
        kubeapi::Patch patch{
            "", kubeapi::PatchType::json,
            json::Value::parse(R"([{"op":"add",
            "path":"/spec/tolerations/0","value":{"key":"a","operator":"Exists"}}])")
                .value()
        };
        const auto added = co_await f.api.patch(kubeapi::kPods, "default", "p", patch);
        REQUIRE(added);
        f.keeper.look_at(pod);
        co_await until_idle(f.keeper);
        CHECK(f.keeper.counters().written == 1);
        CHECK(f.keeper.counters().refused == 0);
        CHECK(co_await stays(f.api, "p"));
        const auto kept = co_await f.api.get(kubeapi::kPods, "default", "p");
        CHECK(kept->elements_at({"spec", "tolerations"}).at(0).text_at({"key"}) == "a");
    });
}

TEST_CASE("toleration keeper: a pod seen again while it is written is read first", "[autonomy]") {
    with_keeper([](Fixture f) -> Task<> {
        const ObjectPtr pod = co_await create_pod(f.api, "p");
        const auto see_again = [](TolerationKeeper& keeper, ObjectPtr old) -> Task<> {
            keeper.look_at(old);
            co_return;
        };
        f.client.before_patch = [&] { return see_again(f.keeper, pod); };
        f.keeper.look_at(pod);
        co_await until_idle(f.keeper);
        CHECK(f.client.writes == 1);
        CHECK(f.client.reads == 1);
    });
}

TEST_CASE("toleration keeper: a server without time is asked again later", "[autonomy]") {
    with_keeper([](Fixture f) -> Task<> {
        const ObjectPtr pod = co_await create_pod(f.api, "p");
        f.client.errors = {ErrorCode::unavailable};
        f.keeper.look_at(pod);
        co_await until_idle(f.keeper);
        CHECK(f.keeper.counters().failed == 1);
        CHECK(f.keeper.counters().written == 1);
        CHECK(co_await stays(f.api, "p"));
    });
}

TEST_CASE("toleration keeper: a refusal is told at the pod and not tried on", "[autonomy]") {
    with_keeper([](Fixture f) -> Task<> {
        const ObjectPtr pod = co_await create_pod(f.api, "p");
        f.client.errors = {ErrorCode::permission_denied, ErrorCode::permission_denied};
        f.keeper.look_at(pod);
        co_await until_idle(f.keeper);
        CHECK(f.keeper.counters().refused == 1);
        CHECK(f.client.writes == 1);
        f.keeper.look_at(pod);
        CHECK(f.keeper.waiting() == 0);
        const auto events = co_await f.api.list(kubeapi::kEvents, {});
        REQUIRE(events->items.size() == 1);
        CHECK(events->items[0]->text_at({"reason"}) == "TolerationsRefused");
        CHECK(events->items[0]->text_at({"involvedObject", "name"}) == "p");
    });
}

TEST_CASE("toleration keeper: a pod that is gone or another one is left alone", "[autonomy]") {
    with_keeper([](Fixture f) -> Task<> {
        const ObjectPtr gone = co_await create_pod(f.api, "gone");
        const ObjectPtr old = co_await create_pod(f.api, "again");
        kubeapi::DeleteOptions at_once;
        at_once.grace_period_seconds = 0;
        CHECK(co_await f.api.remove(kubeapi::kPods, "default", "gone", at_once));
        CHECK(co_await f.api.remove(kubeapi::kPods, "default", "again", at_once));
        const ObjectPtr other = co_await create_pod(f.api, "again");
        f.keeper.look_at(gone);
        f.keeper.look_at(old);
        co_await until_idle(f.keeper);
        CHECK(f.keeper.counters().written == 0);
        CHECK(f.keeper.counters().refused == 0);
        CHECK_FALSE(co_await stays(f.api, "again"));
    });
}

}  // namespace farhold::autonomy
