// SPDX-License-Identifier: Apache-2.0
//
// cloudcore beside somebody else's API, over HTTPS as a kubeconfig names it. That API is another
// cloudcore's embedded one: it has no admission and no controllers of a cluster, but is quickly there.
#include "tests/support/rig/runtime_view.hpp"
#include "tests/support/rig/site.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;
namespace fs = std::filesystem;

namespace {

struct Cluster {
    Cluster() {
        api.start();
        // The hub that this API has of itself is not one of a cluster's.
        wait_until("the API's own hub is published", 10s, [&] {
            return !api.kubectl({"delete", "configmap", "-n", "kube-system", "farhold-hub"})
                        .empty();
        });
    }

    static CloudOptions options(const std::string& folder) {
        CloudOptions options;
        options.folder = folder;
        return options;
    }

    // Of all objects, not of the keys by which the API is known.
    void back_up() {
        api.stop();
        fs::copy_file(database(), backup());
        api.start();
    }
    // Without a backup it becomes another cluster at the same address.
    void restore() {
        api.kill();
        for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(database() + suffix);
        if (fs::exists(backup())) fs::copy_file(backup(), database());
        api.start();
    }

    TempDir folder;
    Cloud api{options(folder.path())};

private:
    std::string database() const { return api.data_dir() + "/state.db"; }
    std::string backup() const { return folder.file("backup.db"); }
};

Site::Adjust beside(const Cluster& cluster) {
    return [&cluster](CloudOptions& cloud, MachineOptions&) {
        cloud.cluster_kubeconfig = cluster.api.kubeconfig();
    };
}

Outcome holds(const Site& site, std::vector<std::string> arguments) {
    std::vector<std::string> words{program("cloudcore"), "holds"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.insert(words.end(), {"--kubeconfig", site.cloud.kubeconfig()});
    return run_to_end(words);
}

bool has_event(const Site& site, const std::string& ns, const std::string& reason) {
    const Value list = site.cloud.get("/api/v1/namespaces/" + ns + "/events");
    return std::ranges::any_of(list.elements_at({"items"}), [&](const Value& event) {
        return event.text_at({"reason"}) == reason;
    });
}

// As a cluster's admission leaves every pod: to be evicted after five minutes without its machine.
std::string tolerating_pod(const std::string& name) {
    Value pod = Value::parse(pod_manifest(name)).value();
    Value& tolerations = pod.ensure_path({"spec"}).set("tolerations", Value::make_array());
    for (const char* taint : {"unreachable", "not-ready"}) {
        Value toleration = Value::make_object();
        toleration.set("key", Value::of(std::string("node.kubernetes.io/") + taint));
        toleration.set("operator", Value::of("Exists"));
        toleration.set("effect", Value::of("NoExecute"));
        toleration.set("tolerationSeconds", Value::of(300));
        tolerations.push_back(std::move(toleration));
    }
    return pod.dump();
}

std::string ending_pod(const std::string& name) {
    Value pod = Value::parse(pod_manifest(name, {.command = "true"})).value();
    pod.ensure_path({"spec"}).set("restartPolicy", Value::of("Never"));
    return pod.dump();
}

bool may_stay_for_ever(const Value& pod) {
    const auto& all = pod.elements_at({"spec", "tolerations"});
    return all.size() == 2 && std::ranges::all_of(all, [](const Value& toleration) {
               return toleration.find("tolerationSeconds") == nullptr;
           });
}

MachineOptions on_other_hardware(const ContainerdFixture& runtime) {
    MachineOptions options;
    options.folder = runtime.folder();
    options.runtime_socket = runtime.socket();
    options.cgroup_parent = runtime.cgroup_parent() + "/edge-1";
    return options;
}

std::string refusal_of(Machine& machine) {
    try {
        machine.join();
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

std::string trouble(const Machine& machine) {
    return std::string(machine.status().text_at({"link", "trouble"}));
}

}  // namespace

TEST_CASE("beside a cluster: pods run, stay, and outlive an API that was away", "[cluster]") {
    Cluster cluster;
    Site site(beside(cluster));
    site.cloud.apply(tolerating_pod("first"));
    wait_until("the pod runs and is not evicted", 60s, [&] {
        const Value pod = site.cloud.get("/api/v1/namespaces/default/pods/first");
        return pod.text_at({"status", "phase"}) == "Running" && may_stay_for_ever(pod);
    });
    CHECK(site.cloud.metrics().contains(
        "farhold_autonomy_toleration_writes_total{result=\"written\"} 1\n"
    ));

    cluster.api.kill();
    CHECK(site.machine.connected());
    cluster.api.start();
    site.run_pod("second");
    site.cloud.kill();
    site.cloud.start();
    site.run_pod("third");
    site.require_healed();
}

TEST_CASE(
    "beside a cluster: what a restored API lacks is held until it is confirmed", "[cluster]"
) {
    Cluster cluster;
    Site site(beside(cluster));
    site.run_pod("before");
    cluster.back_up();
    site.run_pod("after");
    CHECK(holds(site, {"list"}).output == "nothing is held\n");
    CHECK(holds(site, {"confirm", "--all"}).output == "nothing is held\n");
    CHECK(holds(site, {"confirm"}).exit_code == 2);

    cluster.restore();
    std::string table;
    wait_until("the removal is held", 60s, [&] {
        table = holds(site, {"list"}).output;
        return table.contains("edge-1");
    });
    INFO(table);
    CHECK(table.contains("\ncluster "));
    CHECK(table.contains("the cluster went back in time"));
    CHECK(table.contains("T"));
    CHECK(site.cloud.metrics().contains("farhold_hub_holds 1\n"));
    CHECK(has_event(site, "kube-system", "RemovalsHeld"));
    const Outcome wrong = holds(site, {"confirm", "node/edge-1"});
    CHECK(wrong.exit_code == 1);
    CHECK(wrong.output.contains("\"node/edge-1\" is not held (cluster held)"));

    // It outlives the hub, and the machine's return.
    site.cloud.kill();
    site.cloud.start();
    wait_until("the machine is back and has what it must keep", 60s, [&] {
        return site.machine.connected() &&
               site.cloud.metrics().contains("farhold_hub_kept_objects 1\n");
    });
    CHECK(identities(site.runtime).contains("default/after/main"));

    const Outcome confirmed = holds(site, {"confirm", "cluster"});
    CHECK(confirmed.output == "cluster confirmed\n");
    CHECK(confirmed.exit_code == 0);
    wait_until("the pod is gone from the machine", 60s, [&] {
        return !identities(site.runtime).contains("default/after/main");
    });
    CHECK(has_event(site, "kube-system", "RemovalsConfirmed"));
    CHECK(holds(site, {"list"}).output == "nothing is held\n");
    CHECK(identities(site.runtime).contains("default/before/main"));
    site.require_healed();
}

TEST_CASE("beside a cluster: another cluster in its place removes nothing", "[cluster]") {
    Cluster cluster;
    Site site(beside(cluster));
    site.run_pod("kept");
    cluster.restore();
    wait_until("the removal is held", 60s, [&] {
        return holds(site, {"list"}).output.contains("this is another cluster than before");
    });
    wait_until("the machine is not known there", 60s, [&] { return !site.machine.connected(); });
    CHECK(identities(site.runtime).contains("default/kept/main"));
}

TEST_CASE(
    "beside a cluster: of a Node that was made anew nothing is removed unasked", "[cluster]"
) {
    Cluster cluster;
    Site site(beside(cluster));
    site.run_pod("old");
    Value node = site.cloud.get("/api/v1/nodes/edge-1");
    const std::string old_uid(node.text_at({"metadata", "uid"}));
    site.machine.stop();
    // As the cluster's garbage collector does it with the pods of a Node that is gone.
    site.cloud.kubectl({"delete", "node", "edge-1"});
    site.cloud.kubectl({"delete", "pod", "old", "--force", "--grace-period=0"});
    for (const char* field : {"uid", "resourceVersion", "creationTimestamp"}) {
        node["metadata"].erase(field);
    }
    site.cloud.apply(node.dump());
    site.machine.start();

    wait_until("what it had is held", 60s, [&] {
        return holds(site, {"list"}).output.contains("node/edge-1 ");
    });
    CHECK(site.machine.connected());
    CHECK(has_event(site, "default", "RemovalsHeld"));
    CHECK(has_event(site, "default", "NodeMadeAnew"));
    const Value lease =
        site.cloud.get("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/edge-1");
    const auto& owners = lease.elements_at({"metadata", "ownerReferences"});
    REQUIRE(owners.size() == 1);
    CHECK(owners.front().text_at({"uid"}) != old_uid);
    site.run_pod("new");
    CHECK(identities(site.runtime).contains("default/old/main"));

    CHECK(holds(site, {"confirm", "--all"}).output == "node/edge-1 confirmed\n");
    wait_until("it is removed", 60s, [&] {
        return !identities(site.runtime).contains("default/old/main");
    });
    site.require_healed();
}

TEST_CASE("beside a cluster: a name is taken over only with a token made for it", "[cluster]") {
    Cluster cluster;
    Site site(beside(cluster));
    site.run_pod("first");
    site.cloud.apply(ending_pod("done"));
    wait_until("the pod ends", 60s, [&] { return site.cloud.pod_phase("done") == "Succeeded"; });
    ContainerdFixture other;
    Machine rival(site.cloud, on_other_hardware(other));
    CHECK(refusal_of(rival).contains("only a token made with --node edge-1"));
    CHECK(has_event(site, "default", "NodeNameClaimed"));
    CHECK(site.machine.connected());

    rival.options().takes_over = true;
    rival.join();
    rival.start();
    wait_until("the pod runs there", 60s, [&] {
        return identities(other).contains("default/first/main") && rival.connected();
    });
    CHECK(has_event(site, "default", "MachineReplaced"));
    const auto there = view_runtime(other.socket()).containers;
    CHECK(std::ranges::find(there, "default/done", &ContainerView::pod) == there.end());
    const Value done = site.cloud.get("/api/v1/namespaces/default/pods/done");
    CHECK(done.text_at({"status", "phase"}) == "Succeeded");
    CHECK(done.elements_at({"status", "containerStatuses"}).size() == 1);
    wait_until("the one before is told", 60s, [&] {
        return trouble(site.machine).contains("another key speaks for node \"edge-1\" now");
    });
    CHECK(identities(site.runtime).contains("default/first/main"));
    wait_until("the Node is Ready", 60s, [&] { return site.cloud.node_ready("edge-1"); });
}

TEST_CASE(
    "beside a cluster: of two machines with one identity the later one is refused", "[cluster]"
) {
    Cluster cluster;
    Site site(beside(cluster));
    site.run_pod("only");
    ContainerdFixture other;
    site.machine.stop();
    fs::copy(site.machine.data_dir(), other.folder() + "/edge-data", fs::copy_options::recursive);
    fs::copy_file(site.folder() + "/edgecore.yaml", other.folder() + "/edgecore.yaml");
    site.machine.start();
    wait_until("the first one is back", 60s, [&] { return site.machine.connected(); });
    Machine twin(site.cloud, on_other_hardware(other));
    twin.options().flags = {"--data-dir",         twin.data_dir(),
                            "--runtime-endpoint", "unix://" + other.socket(),
                            "--cgroup-parent",    other.cgroup_parent() + "/edge-1",
                            "--pod-log-dir",      other.folder() + "/pod-logs"};
    twin.start();
    wait_until("the second one is told", 60s, [&] {
        return has_event(site, "default", "MachineCloned") && !trouble(twin).empty();
    });
    CHECK_FALSE(twin.connected());
    CHECK(site.machine.connected());
    site.run_pod("another");
}
