// SPDX-License-Identifier: Apache-2.0
//
// Several machines on one computer: three edgecores share one container runtime, its network and its
// address range, and whatever happens to one of them, the pods of the others go on as they are.
#include "edgecore/runtime/cri_runtime.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/rig/invariants.hpp"
#include "tests/support/rig/machine.hpp"
#include "tests/support/run_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

constexpr int kMachines = 3;
constexpr auto kForeignStore = "99999999-2222-3333-4444-555555555555";

using Identities = std::map<std::string, ContainerIdentity>;

std::string name_of(int machine) {
    return "edge-" + std::to_string(machine);
}

// Each machine has pods of the same names, in a namespace of its own.
std::string namespace_of(int machine) {
    return "field-" + std::to_string(machine);
}

// Answers on a port of the host with the name of its machine.
std::string web(int machine, int host_port) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"web","namespace":"{}"}},"spec":{{
        "nodeName":"{}","terminationGracePeriodSeconds":1,"containers":[{{"name":"main",
        "image":"{}","imagePullPolicy":"Always","ports":[{{"containerPort":80,"hostPort":{}}}],
        "command":["/bin/sh","-c","mkdir -p /www; echo {} > /www/index.html; exec httpd -f -h /www"]
        }}]}}}})",
        namespace_of(machine), name_of(machine), ContainerdFixture::kBusybox, host_port,
        name_of(machine)
    );
}

std::string worker(int machine) {
    auto pod = *json::Value::parse(pod_manifest("worker", {.node = name_of(machine)}));
    pod.ensure_path({"metadata"}).set("namespace", json::Value::of(namespace_of(machine)));
    return pod.dump();
}

// A sandbox that somebody else runs in the same containerd.
void run_foreign_sandbox(const std::string& socket, const std::string& cgroup) {
    run_task([&]() -> Task<> {
        runtime::CriRuntime foreign(
            co_await this_executor, {.endpoint = "unix://" + socket, .store_uuid = kForeignStore},
            log::Logger()
        );
        runtime::SandboxConfig config;
        config.pod = {.ns = "default", .name = "foreign", .uid = "uid-foreign"};
        config.hostname = "foreign";
        config.log_directory = socket + ".foreign-logs";
        config.cgroup_parent = cgroup;
        config.namespaces.host_network = true;
        const auto id = co_await foreign.run_sandbox(config);
        co_await foreign.close();
        if (!id) throw std::runtime_error(id.error().message());
    });
}

// What belongs to one machine, or to all but it.
Identities part(const Identities& all, const std::string& ns, bool inside) {
    Identities result;
    for (const auto& [name, identity] : all) {
        if (name.starts_with(ns + "/") == inside) result.emplace(name, identity);
    }
    return result;
}

// In all trees together.
std::size_t cgroups_named(const std::string& name) {
    const fs::path root = "/sys/fs/cgroup";
    std::size_t found = fs::exists(root / name) ? 1 : 0;
    for (const auto& tree : fs::directory_iterator(root)) {
        if (tree.is_directory() && fs::exists(tree.path() / name)) ++found;
    }
    return found;
}

class Field {
public:
    Field() : cloud({.folder = runtime.folder()}) {
        cloud.start();
        for (int number = 1; number <= kMachines; ++number) {
            machines.push_back(std::make_unique<Machine>(cloud, options(number)));
            machines.back()->join();
            machines.back()->start();
            ports.push_back(free_port());
        }
        for (const auto& machine : machines) {
            wait_until(machine->name() + " is Ready", 60s, [&] {
                return cloud.node_ready(machine->name());
            });
        }
    }

    Machine& machine(int number) { return *machines.at(static_cast<std::size_t>(number) - 1); }
    int port(int number) const { return ports.at(static_cast<std::size_t>(number) - 1); }

    // As somebody on the computer's own address sees it; empty when nobody answers.
    std::string answer(int number) const {
        const auto url = "http://127.0.0.1:" + std::to_string(port(number)) + "/";
        return run_to_end({"curl", "-s", "--max-time", "2", url}).output;
    }

    bool runs(int number, const std::string& pod) const {
        const auto object =
            cloud.get("/api/v1/namespaces/" + namespace_of(number) + "/pods/" + pod);
        return object.text_at({"status", "phase"}) == "Running";
    }

    std::set<std::string> pods_of(int number) {
        std::set<std::string> pods;
        for (const auto& pod : machine(number).status().elements_at({"pods"})) {
            pods.insert(
                std::string(pod.text_at({"namespace"})) + "/" + std::string(pod.text_at({"name"}))
            );
        }
        return pods;
    }

    // Addresses that the network's plugin holds as given away.
    std::size_t leases() const {
        const auto all = fs::directory_iterator("/run/farhold-cni/" + runtime.network());
        return static_cast<std::size_t>(std::count_if(begin(all), end(all), [](const auto& entry) {
            return entry.path().filename().string().starts_with("10.");
        }));
    }

    ContainerdFixture runtime;
    Cloud cloud;
    std::vector<std::unique_ptr<Machine>> machines;
    std::vector<int> ports;

private:
    MachineOptions options(int number) const {
        MachineOptions options;
        options.folder = runtime.folder() + "/" + name_of(number);
        options.name = name_of(number);
        options.runtime_socket = runtime.socket();
        options.cgroup_parent = runtime.cgroup_parent() + "-" + name_of(number);
        return options;
    }
};

void check_own_places(Field& field, const Identities& all) {
    std::set<std::string> addresses;
    for (int number = 1; number <= kMachines; ++number) {
        CHECK(
            field.pods_of(number) ==
            std::set<std::string>{namespace_of(number) + "/web", namespace_of(number) + "/worker"}
        );
        for (const auto& [name, identity] : part(all, namespace_of(number), true)) {
            const auto cgroups = read_text("/proc/" + std::to_string(identity.pid) + "/cgroup");
            INFO(name << ": " << cgroups);
            CHECK(cgroups.contains(field.runtime.cgroup_parent() + "-" + name_of(number) + "/"));
        }
        for (const auto& entry :
             fs::directory_iterator(field.machine(number).data_dir() + "/../pod-logs")) {
            CHECK(entry.path().filename().string().starts_with(namespace_of(number) + "_"));
        }
        const auto pods = field.cloud.get("/api/v1/namespaces/" + namespace_of(number) + "/pods");
        for (const auto& pod : pods.elements_at({"items"})) {
            addresses.insert(std::string(pod.text_at({"status", "podIP"})));
        }
    }
    CHECK(addresses.size() == 2 * kMachines);
    CHECK(field.leases() == 2 * kMachines);
}

}  // namespace

TEST_CASE("machines: three on one container runtime never touch each other's pods", "[machines]") {
    Field field;
    const PodObserver observer(field.runtime);
    run_foreign_sandbox(field.runtime.socket(), field.runtime.cgroup_parent() + "-foreign");
    for (int number = 1; number <= kMachines; ++number) {
        field.cloud.kubectl({"create", "namespace", namespace_of(number)});
        // All of them start at once, and each asks for the same image.
        field.cloud.apply(web(number, field.port(number)));
        field.cloud.apply(worker(number));
    }
    for (int number = 1; number <= kMachines; ++number) {
        wait_until("the pods of " + name_of(number) + " run", 90s, [&] {
            return field.runs(number, "web") && field.runs(number, "worker");
        });
        wait_until("the port of " + name_of(number) + " answers", 20s, [&] {
            return field.answer(number) == name_of(number) + "\n";
        });
    }
    const Identities all = identities(field.runtime);
    REQUIRE(all.size() == 2 * 2 * kMachines + 1);
    check_own_places(field, all);

    // One edgecore dies, and its pods are deleted meanwhile.
    field.machine(2).kill();
    CHECK(field.answer(2) == "edge-2\n");
    CHECK(identities(field.runtime) == all);
    field.cloud.kubectl({"delete", "pod", "web", "worker", "-n", "field-2", "--wait=false"});
    field.machine(2).start();
    wait_until("the pods of edge-2 are gone", 60s, [&] {
        return field.pods_of(2).empty() &&
               part(identities(field.runtime), "field-2", true).empty() && field.leases() == 4;
    });
    CHECK(identities(field.runtime) == part(all, "field-2", false));
    CHECK(field.answer(1) == "edge-1\n");
    CHECK(field.answer(2).empty());
    CHECK(field.answer(3) == "edge-3\n");

    // One machine leaves for good.
    field.machine(3).stop();
    const auto begin = std::chrono::steady_clock::now();
    run({program("edgecore"), "leave", "--config", field.runtime.folder() + "/edge-3/edgecore.yaml"}
    );
    // Both of its containers want their grace of ten seconds; they have it together.
    CHECK(std::chrono::steady_clock::now() - begin < 18s);
    auto left = part(part(all, "field-2", false), "field-3", false);
    CHECK(identities(field.runtime) == left);
    CHECK(field.leases() == 2);
    CHECK(fs::is_empty(field.runtime.folder() + "/edge-3/pod-logs"));
    CHECK(cgroups_named(field.runtime.network() + "-edge-3") == 0);
    CHECK(cgroups_named(field.runtime.network() + "-edge-1") > 0);
    CHECK(field.answer(1) == "edge-1\n");
    CHECK(field.answer(3).empty());

    for (const int number : {1, 2}) {
        wait_until("cloud and " + name_of(number) + " agree", 60s, [&] {
            return not_converged(field.cloud, field.machine(number));
        });
    }
    CHECK(identities(field.runtime) == left);
    CHECK(observer.violation() == "");
    std::printf(
        "three machines shared one container runtime: one was killed and lost its pods, one left, "
        "and no other's pod was touched\n"
    );
}
