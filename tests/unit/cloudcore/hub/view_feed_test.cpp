// SPDX-License-Identifier: Apache-2.0
//
// The feed beside an embedded API.
#include "cloudcore/hub/view_feed.hpp"

#include "common/async/event.hpp"
#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/embedded_api.hpp"
#include "tests/support/forwarding_client.hpp"

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace farhold::hub {
namespace {

using namespace std::chrono_literals;

json::Value parse(const char* text) {
    return json::Value::parse(text).value();
}

// The embedded API, which counts what is read of Secrets and may refuse it.
class GuardedClient final : public test::ForwardingClient {
public:
    using ForwardingClient::ForwardingClient;

    Task<Result<json::Value>> get(kubeapi::ResourceRef resource, std::string ns, std::string name)
        override {
        if (resource == kubeapi::kSecrets) {
            ++reads;
            if (refuses) co_return fail(ErrorCode::permission_denied, "secrets are forbidden");
        }
        co_return co_await ForwardingClient::get(
            std::move(resource), std::move(ns), std::move(name)
        );
    }
    Task<Result<kubeapi::ListResult>> list(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options
    ) override {
        // One object by name is not a collection: the removal hold.
        const bool is_whole = resource == kubeapi::kNodes || resource == kubeapi::kPods ||
                              resource == kubeapi::kDevices || resource == kubeapi::kDeviceModels ||
                              options.field_selector.starts_with("metadata.name=");
        CHECK(options.metadata_only != is_whole);
        return ForwardingClient::list(std::move(resource), std::move(options));
    }

    bool refuses = false;
    int reads = 0;
};

class SteppedClock final : public Clock {
public:
    Now now() const override { return {Instant(time), WallTime(time)}; }

    Duration time = 1h;
};

struct Fixture {
    GuardedClient& client;
    SteppedClock& clock;
    ViewFeed& feed;
    std::vector<std::string>& told;  // Names of pods.

    [[nodiscard]] bool has(const char* kind, const char* name) const {
        return feed.views().view("edge-1").find({kind, "default", name}) != nullptr;
    }
};

Task<> until(std::function<bool()> condition) {
    Event never(co_await this_executor);
    while (!condition()) co_await never.wait_for(1ms);
}

Task<> put(kubeapi::KubeClient& client, kubeapi::ResourceRef resource, const char* text) {
    const std::string ns = resource == kubeapi::kNodes ? "" : "default";
    json::Value object = parse(text);
    CHECK(co_await client.create(std::move(resource), ns, std::move(object), ""));
}

template <class Body>
void with_feed(Body body) {
    apiserver::with_client([&](apiserver::EmbeddedClient& api) -> Task<> {
        const Executor executor = co_await this_executor;
        std::vector<std::string> told;
        GuardedClient client(api);
        SteppedClock clock;
        ViewFeed feed(
            executor, client, clock, [](const views::ViewChanges&) {}, [] {},
            {.on_machine_pod = [&told](const kubeapi::ObjectPtr& pod
                               ) { told.emplace_back(object::name(*pod)); }},
            {}
        );
        CHECK(co_await client.create(kubeapi::kNamespaces, "", apiserver::named("kube-system"), "")
        );
        CHECK(co_await feed.load());
        TaskGroup group(executor);
        feed.start(group);
        co_await body(Fixture{client, clock, feed, told});
        group.cancel();
        co_await group.join();
    });
}

constexpr const char* kMachine =
    R"({"metadata":{"name":"edge-1","annotations":{"farhold.io/machine-key":"k"}}})";
constexpr const char* kPlainNode = R"({"metadata":{"name":"edge-1"}})";
constexpr const char* kPod = R"({"metadata":{"name":"p"},"spec":{"nodeName":"edge-1",
    "containers":[{"name":"c","image":"i"}]}})";
constexpr const char* kPodWithSecret = R"({"metadata":{"name":"s"},"spec":{"nodeName":"edge-1",
    "volumes":[{"name":"v","secret":{"secretName":"key"}}],
    "containers":[{"name":"c","image":"i"}]}})";
constexpr const char* kSecret = R"({"metadata":{"name":"key"},"stringData":{"k":"v"}})";
constexpr const char* kOtherSecret = R"({"metadata":{"name":"other"}})";
constexpr const char* kElsewhere = R"({"metadata":{"name":"q"},"spec":{"nodeName":"other",
    "containers":[{"name":"c","image":"i"}]}})";

}  // namespace

TEST_CASE("view feed: tells of the pods of machines and of no others", "[hub]") {
    with_feed([](Fixture f) -> Task<> {
        co_await put(f.client, kubeapi::kNodes, kMachine);
        co_await put(f.client, kubeapi::kPods, kElsewhere);
        co_await put(f.client, kubeapi::kPods, kPod);
        co_await until([&] { return !f.told.empty(); });
        CHECK(f.told.front() == "p");
    });
}

TEST_CASE("view feed: tells of pods that were there before their Node was a machine", "[hub]") {
    with_feed([](Fixture f) -> Task<> {
        co_await put(f.client, kubeapi::kNodes, kPlainNode);
        co_await put(f.client, kubeapi::kPods, kPod);
        co_await put(f.client, kubeapi::kPods, kElsewhere);
        co_await until([&] { return f.feed.ready(); });
        CHECK(f.told.empty());
        kubeapi::Patch patch{"", kubeapi::PatchType::merge, parse(kMachine)};
        const auto patched = co_await f.client.patch(kubeapi::kNodes, "", "edge-1", patch);
        REQUIRE(patched);
        co_await until([&] { return !f.told.empty(); });
        CHECK(f.told == std::vector<std::string>{"p"});
    });
}

TEST_CASE("view feed: learns the pods of many machines at once", "[hub]") {
    with_feed([](Fixture f) -> Task<> {
        constexpr int kMachines = 12;
        for (int i = 0; i < kMachines; ++i) {
            json::Value pod = parse(kPod);
            pod["metadata"].set("name", json::Value::of("p" + std::to_string(i)));
            pod["spec"].set("nodeName", json::Value::of("edge-" + std::to_string(i)));
            CHECK(co_await f.client.create(kubeapi::kPods, "default", pod, ""));
        }
        co_await put(f.client, kubeapi::kPods, kElsewhere);
        co_await until([&] { return f.feed.ready(); });
        for (int i = 0; i < kMachines; ++i) {
            json::Value node = parse(kMachine);
            node["metadata"].set("name", json::Value::of("edge-" + std::to_string(i)));
            CHECK(co_await f.client.create(kubeapi::kNodes, "", node, ""));
        }
        // A pod's own event may come after its machine's Node: it is then told of twice, the first
        // time before its view is known.
        co_await until([&] { return std::set(f.told.begin(), f.told.end()).size() == kMachines; });
        co_await until([&] { return f.has("Pod", "p1"); });
    });
}

TEST_CASE("view feed: reads a Secret when a pod of a machine refers to it", "[hub]") {
    with_feed([](Fixture f) -> Task<> {
        co_await put(f.client, kubeapi::kSecrets, kSecret);
        co_await put(f.client, kubeapi::kSecrets, kOtherSecret);
        co_await put(f.client, kubeapi::kNodes, kMachine);
        co_await until([&] { return f.feed.ready(); });
        CHECK(f.client.reads == 0);
        co_await put(f.client, kubeapi::kPods, kPodWithSecret);
        co_await until([&] { return f.has("Pod", "s"); });
        CHECK(f.has("Secret", "key"));
        CHECK(f.client.reads == 1);

        const std::string before = f.feed.views().view("edge-1").digest().bytes();
        kubeapi::Patch patch{"", kubeapi::PatchType::merge, parse(R"({"data":{"k":"bmV3"}})")};
        CHECK(co_await f.client.patch(kubeapi::kSecrets, "default", "key", patch));
        co_await until([&] { return f.client.reads == 2; });
        co_await until([&] { return f.feed.views().view("edge-1").digest().bytes() != before; });
        CHECK(co_await f.client.remove(kubeapi::kSecrets, "default", "key", {}));
        co_await until([&] { return !f.has("Secret", "key"); });
        CHECK(f.has("Pod", "s"));
    });
}

TEST_CASE("view feed: a pod whose Secret is refused waits, and says so", "[hub]") {
    with_feed([](Fixture f) -> Task<> {
        f.client.refuses = true;
        co_await put(f.client, kubeapi::kSecrets, kSecret);
        co_await put(f.client, kubeapi::kNodes, kMachine);
        co_await put(f.client, kubeapi::kPods, kPodWithSecret);
        co_await put(f.client, kubeapi::kPods, kPod);
        co_await until([&] { return f.feed.ready() && f.has("Pod", "p"); });
        std::vector<kubeapi::ObjectPtr> events;
        while (events.empty()) {
            auto listed = co_await f.client.ForwardingClient::list(kubeapi::kEvents, {});
            CHECK(listed);
            events = std::move(listed->items);
        }
        CHECK(events.front()->text_at({"reason"}) == "FailedToReadReferences");
        CHECK(events.front()->text_at({"involvedObject", "name"}) == "s");
        CHECK(events.front()->text_at({"message"}).contains("secrets are forbidden"));
        CHECK(f.feed.pods_kept_back() == 1);
        CHECK_FALSE(f.has("Pod", "s"));

        f.client.refuses = false;
        f.clock.time += 2min;
        co_await put(f.client, kubeapi::kPods, kElsewhere);
        co_await until([&] { return f.has("Pod", "s"); });
        CHECK(f.has("Secret", "key"));
        CHECK(f.feed.fetches().refused == 1);
    });
}

}  // namespace farhold::hub
