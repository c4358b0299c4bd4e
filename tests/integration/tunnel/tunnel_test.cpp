// SPDX-License-Identifier: Apache-2.0
//
// What the tunnel brings from one end to the other, and whom it lets in.
#include "tests/support/tunnel_world.hpp"

using namespace farhold;
using namespace farhold::test;         // NOLINT(google-build-using-namespace)
using namespace farhold::test::world;  // NOLINT(google-build-using-namespace)

TEST_CASE("tunnel: a machine gets its view, then each change", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        Machine machine(
            world.executor, world.folder, world.pki, cloud.listener->port(), world.clock
        );
        machine.link.start(machine.group);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        CHECK(machine.held("Pod", "default", "p").find("\"nodeName\"") != std::string::npos);
        CHECK(machine.held("ConfigMap", "default", "a").find("first") != std::string::npos);
        CHECK(machine.store->desired().complete());
        CHECK(machine.link.status().epoch == 1);
        CHECK(machine.proved != WallTime{});

        kubeapi::Patch patch{{}, kubeapi::PatchType::merge, parse(R"({"data":{"k":"second"}})")};
        const auto patched =
            co_await world.client.patch(kubeapi::kConfigMaps, "default", "a", std::move(patch));
        CHECK(patched.has_value());
        CHECK(co_await becomes_true([&] {
            return machine.held("ConfigMap", "default", "a").find("second") != std::string::npos;
        }));
        co_await machine.stop();
        co_await cloud.stop();
    });
}

TEST_CASE("tunnel: reports reach Kubernetes and leave the outbox", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        Machine machine(
            world.executor, world.folder, world.pki, cloud.listener->port(), world.clock
        );
        co_await machine.report("PodStatus/default/p", world.pod_uid, R"({"phase":"Running"})");
        machine.link.start(machine.group);
        machine.link.submit(
            tunnel::ReportClass::derived, "NodeStatus//edge-1", world.node_uid,
            R"({"conditions":[{"type":"Ready","status":"True"}]})"
        );
        machine.link.submit(
            tunnel::ReportClass::event, "Event/default/p.1", "",
            R"({"involvedObject":{"kind":"Pod","namespace":"default","name":"p"},"reason":"Started",)"
            R"("type":"Normal"})"
        );
        CHECK(co_await becomes_true([&] { return machine.store->outbox().size() == 0; }));
        const auto pod = co_await world.client.get(kubeapi::kPods, "default", "p");
        REQUIRE(pod.has_value());
        CHECK(pod->text_at({"status", "phase"}) == "Running");
        CHECK(object::annotation(*pod, "farhold.io/report") == "1.1");
        bool told = false;
        for (int i = 0; i < 400 && !told; ++i) {
            const auto node = co_await world.client.get(kubeapi::kNodes, "", kNode);
            const auto event = co_await world.client.get(kubeapi::kEvents, "default", "p.1");
            const auto lease =
                co_await world.client.get(kubeapi::kLeases, "kube-node-lease", kNode);
            told = node && object::condition_is_true(*node, "Ready") && event && lease &&
                   !lease->text_at({"spec", "renewTime"}).empty();
            co_await let_others_run();
        }
        CHECK(told);

        // The pod's end: asked for in the cluster, done by the machine, final in the cluster.
        kubeapi::DeleteOptions graceful;
        graceful.grace_period_seconds = 30;
        const auto asked =
            co_await world.client.remove(kubeapi::kPods, "default", "p", std::move(graceful));
        CHECK(asked.has_value());
        CHECK(co_await becomes_true([&] {
            return machine.held("Pod", "default", "p").find("deletionTimestamp") !=
                   std::string::npos;
        }));
        co_await machine.report("PodGone/default/p", world.pod_uid, "{}");
        CHECK(co_await becomes_true([&] {
            return machine.held("Pod", "default", "p").empty() &&
                   machine.held("ConfigMap", "default", "a").empty();
        }));
        CHECK((co_await text_of(world.client, kubeapi::kPods, "default", "p", {"kind"})) == "gone");
        co_await machine.stop();
        co_await cloud.stop();
    });
}

TEST_CASE("tunnel: a machine that is in sync gets no object from a new hub", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        std::uint16_t port = 0;
        auto first = std::make_unique<Cloud>(world.executor, world.api, world.pki, world.clock);
        co_await first->start();
        port = first->listener->port();
        Machine machine(world.executor, world.folder, world.pki, port, world.clock);
        machine.link.start(machine.group);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        const auto received = machine.link.status().counters.objects_received;
        CHECK(received == 3);
        co_await first->stop();
        first.reset();
        CHECK(co_await becomes_true([&] { return !machine.live(); }));

        Cloud second(world.executor, world.api, world.pki, world.clock);
        co_await second.start(port);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        CHECK(machine.link.status().epoch == 2);
        CHECK(machine.link.status().counters.objects_received == received);
        co_await machine.stop();
        co_await second.stop();
    });
}

TEST_CASE("tunnel: a machine that was shut out is told so and stays away", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        Machine machine(
            world.executor, world.folder, world.pki, cloud.listener->port(), world.clock
        );
        machine.link.start(machine.group);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        cloud.shut_out = true;
        kubeapi::Patch patch{
            {}, kubeapi::PatchType::merge, parse(R"({"metadata":{"labels":{"a":"b"}}})")
        };
        const auto patched =
            co_await world.client.patch(kubeapi::kNodes, "", kNode, std::move(patch));
        CHECK(patched.has_value());
        CHECK(co_await becomes_true([&] { return machine.link.status().refused; }));
        CHECK_FALSE(machine.live());
        // Nothing is taken from it: its pods run on.
        CHECK_FALSE(machine.held("Pod", "default", "p").empty());
        co_await machine.stop();
        co_await cloud.stop();
    });
}

TEST_CASE("tunnel: an expired certificate is renewed over the tunnel, then used", "[tunnel]") {
    in_world([](World& world) -> Task<> {
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        Machine machine(
            world.executor, world.folder, world.pki, cloud.listener->port(), world.clock,
            kTestNow - std::chrono::hours(24 * 365)
        );
        machine.link.start(machine.group);
        CHECK(co_await becomes_true([&] { return machine.live(); }));
        CHECK(machine.adopted == "certificate for csr");
        co_await machine.stop();
        co_await cloud.stop();
    });
}

TEST_CASE(
    "tunnel: a second machine with the same certificate ends the first one's session", "[tunnel]"
) {
    in_world([](World& world) -> Task<> {
        const TempDir other_folder;
        Cloud cloud(world.executor, world.api, world.pki, world.clock);
        co_await cloud.start();
        const auto port = cloud.listener->port();
        Machine first(world.executor, world.folder, world.pki, port, world.clock);
        first.link.start(first.group);
        CHECK(co_await becomes_true([&] { return first.live(); }));
        Machine second(world.executor, other_folder.path(), world.pki, port, world.clock);
        second.link.start(second.group);
        CHECK(co_await becomes_true([&] { return second.live(); }));
        CHECK(co_await becomes_true([&] { return first.link.status().refused; }));
        CHECK(second.link.status().epoch == 2);
        co_await first.stop();
        co_await second.stop();
        co_await cloud.stop();
    });
}
