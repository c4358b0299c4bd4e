// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/namespaces/bootstrap.hpp"
#include "cloudcore/namespaces/namespace_conditions.hpp"
#include "cloudcore/namespaces/namespace_controller.hpp"
#include "common/async/task_group.hpp"
#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/embedded_api.hpp"

#include <string>

namespace farhold::namespaces {
namespace {

using apiserver::named;
using kubeapi::KubeClient;

// The controller beside the embedded API, running while the body runs.
template <class Body>
void with_controller(Body body) {
    apiserver::with_client([&](apiserver::EmbeddedClient& client) -> Task<> {
        const Executor executor = co_await this_executor;
        const SystemClock clock;
        CHECK(co_await create_default_namespaces(client));

        NamespaceController controller(
            executor, client,
            {kubeapi::kConfigMaps, kubeapi::kPods, kubeapi::kSecrets, kubeapi::kServiceAccounts},
            "the CA", clock, log::Logger()
        );
        TaskGroup controllers(executor);
        controller.start(controllers);
        co_await body(client);
        controllers.cancel();
        co_await controllers.join();
    });
}

// The first event of that type for the object, however long it takes.
Task<json::Value> wait_for(
    KubeClient& client, kubeapi::ResourceRef resource, kubeapi::ListOptions options,
    kubeapi::WatchEvent::Type type
) {
    const auto watch = co_await client.watch(resource, options, "0");
    REQUIRE(watch);
    while (true) {
        const auto event = co_await (*watch)->next();
        REQUIRE(event);
        if (event->type == type) {
            co_return *event->object;
        }
    }
}

kubeapi::ListOptions one(std::string ns, std::string name) {
    kubeapi::ListOptions options;
    options.ns = std::move(ns);
    options.field_selector = "metadata.name=" + std::move(name);
    return options;
}

}  // namespace

TEST_CASE("namespaces: the defaults exist and each has its account and CA", "[namespaces]") {
    with_controller([](KubeClient& client) -> Task<> {
        const auto listed = co_await client.list(kubeapi::kNamespaces, {});
        REQUIRE(listed);
        CHECK(listed->items.size() == 4);
        const auto account = one("default", "default");
        co_await wait_for(
            client, kubeapi::kServiceAccounts, account, kubeapi::WatchEvent::Type::added
        );
        const auto root_ca = one("kube-system", "kube-root-ca.crt");
        const json::Value config = co_await wait_for(
            client, kubeapi::kConfigMaps, root_ca, kubeapi::WatchEvent::Type::added
        );
        CHECK(config.text_at({"data", "ca.crt"}) == "the CA");
        CHECK(co_await create_default_namespaces(client));
    });
}

TEST_CASE("namespaces: what each must have comes back when it is deleted", "[namespaces]") {
    with_controller([](KubeClient& client) -> Task<> {
        const auto account = one("default", "default");
        const json::Value first = co_await wait_for(
            client, kubeapi::kServiceAccounts, account, kubeapi::WatchEvent::Type::added
        );
        CHECK(co_await client.remove(kubeapi::kServiceAccounts, "default", "default"));
        const json::Value second = co_await wait_for(
            client, kubeapi::kServiceAccounts, account, kubeapi::WatchEvent::Type::added
        );
        CHECK(object::uid(first) != object::uid(second));
    });
}

TEST_CASE("namespaces: a deleted one is emptied and goes", "[namespaces]") {
    with_controller([](KubeClient& client) -> Task<> {
        CHECK(co_await client.create(kubeapi::kNamespaces, "", named("n")));
        CHECK(co_await client.create(kubeapi::kSecrets, "n", named("s")));
        CHECK(co_await client.remove(kubeapi::kNamespaces, "", "n"));
        const auto options = one("", "n");
        const auto watch = co_await client.watch(kubeapi::kNamespaces, options, "0");
        REQUIRE(watch);
        while (true) {
            const auto event = co_await (*watch)->next();
            REQUIRE(event);
            if (event->type == kubeapi::WatchEvent::Type::deleted) {
                break;
            }
        }
        const auto secret = co_await client.get(kubeapi::kSecrets, "n", "s");
        CHECK(secret.error().code() == ErrorCode::not_found);
    });
}

TEST_CASE("namespaces: conditions tell what holds the deletion up", "[namespaces]") {
    const WallTime first{std::chrono::seconds(1'000)};
    const WallTime second{std::chrono::seconds(2'000)};
    const RemainingContent some{{{"pods.", 2}}, {{"example.com/x", 1}}};
    json::Value current = json::Value::make_object();
    current.ensure_path({"status", "conditions"}) = deletion_conditions(current, some, first);
    const json::Value* remaining = object::find_condition(current, "NamespaceContentRemaining");
    REQUIRE(remaining != nullptr);
    CHECK(remaining->text_at({"status"}) == "True");
    CHECK(
        remaining->text_at({"message"}) ==
        "Some resources are remaining: pods. has 2 resource instances"
    );
    CHECK(
        object::find_condition(current, "NamespaceFinalizersRemaining")->text_at({"message"}) ==
        "Some content in the namespace has finalizers remaining: example.com/x in 1 resource "
        "instances"
    );

    json::Value later = json::Value::make_object();
    later.ensure_path({"status", "conditions"}) = deletion_conditions(current, {}, second);
    CHECK(
        object::find_condition(later, "NamespaceContentRemaining")
            ->text_at({"lastTransitionTime"}) == "1970-01-01T00:33:20Z"
    );
    CHECK(
        object::find_condition(later, "NamespaceDeletionContentFailure")
            ->text_at({"lastTransitionTime"}) == "1970-01-01T00:16:40Z"
    );
}

}  // namespace farhold::namespaces
