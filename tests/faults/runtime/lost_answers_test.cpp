// SPDX-License-Identifier: Apache-2.0
//
// R2, C3: a call was carried out, and its answer is lost: with edgecore, or on the way. What the
// runtime lists is the truth, and no pod gets a second sandbox or container.
#include "tests/support/criproxy/cri_proxy.hpp"
#include "tests/support/rig/runtime_view.hpp"
#include "tests/support/rig/site.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <memory>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

constexpr const char* kStarting[] = {"RunPodSandbox", "CreateContainer", "StartContainer"};
constexpr const char* kEnding[] = {"StopContainer", "StopPodSandbox", "RemovePodSandbox"};

std::string pod_for(const std::string& method, const std::string& fault) {
    std::string name = method + "-" + fault;
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name;
}

class Proxied {
public:
    Proxied()
        : site([this](CloudOptions&, MachineOptions& machine) {
              if (!proxy) {
                  proxy = std::make_unique<CriProxy>(
                      machine.runtime_socket, machine.folder + "/proxy.sock"
                  );
              }
              machine.runtime_socket = proxy->socket();
          }) {}

    void wait_for(const std::string& method, int times) const {
        wait_until(method + " met its fault", 60s, [&] {
            return proxy->happened(method) == times;
        });
    }

    // One of each that has not been restarted, and nothing else of the pod.
    void require_single(const std::string& pod) const {
        const auto view = view_runtime(site.runtime.socket());
        const auto of_pod = [&](const auto& one) { return one.pod == "default/" + pod; };
        CHECK(std::ranges::count_if(view.sandboxes, of_pod) == 1);
        CHECK(std::ranges::count_if(view.containers, of_pod) == 1);
        const auto object = site.cloud.get("/api/v1/namespaces/default/pods/" + pod);
        const auto& all = object.elements_at({"status", "containerStatuses"});
        REQUIRE(all.size() == 1);
        CHECK(all.front().integer_at({"restartCount"}) == 0);
    }

    void remove(const std::string& pod) const {
        site.cloud.kubectl({"delete", "pod", pod, "--wait=false"});
    }
    void require_gone(const std::string& pod) const {
        wait_until("pod " + pod + " is gone", 60s, [&] {
            const auto view = view_runtime(site.runtime.socket());
            return site.cloud.pod_phase(pod).empty() &&
                   std::ranges::none_of(view.sandboxes, [&](const auto& one) {
                       return one.pod == "default/" + pod;
                   });
        });
    }

    std::unique_ptr<CriProxy> proxy;
    Site site;
};

}  // namespace

TEST_CASE("runtime: an answer dies with edgecore", "[faults][runtime]") {
    Proxied stage;
    int kills = 0;
    const std::size_t rounds = std::min<std::size_t>(fault_rounds(1), 10);
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const std::string method : kStarting) {
            const std::string pod = pod_for(method, "lost" + std::to_string(round));
            stage.proxy->inject(method, CallFault::lose_answer);
            stage.site.cloud.apply(pod_manifest(pod));
            stage.wait_for(method, 1);
            stage.site.machine.kill();
            stage.site.machine.start();
            ++kills;
            stage.site.run_pod(pod);
            stage.require_single(pod);
        }
        for (const std::string method : kEnding) {
            const std::string pod = pod_for(method, "lost" + std::to_string(round));
            stage.site.run_pod(pod);
            stage.proxy->inject(method, CallFault::lose_answer);
            stage.remove(pod);
            stage.wait_for(method, 1);
            stage.site.machine.kill();
            stage.site.machine.start();
            ++kills;
            stage.require_gone(pod);
        }
    }
    stage.site.require_healed();
    std::printf(
        "edgecore was killed %d times between a call to the runtime and its answer: no pod "
        "doubled\n",
        kills
    );
}

TEST_CASE("runtime: calls fail, or take effect and then fail", "[faults][runtime]") {
    Proxied stage;
    int faults = 0;
    for (const auto fault : {CallFault::refuse, CallFault::fail_late}) {
        const std::string word = fault == CallFault::refuse ? "refused" : "late";
        for (const std::string method : kStarting) {
            const std::string pod = pod_for(method, word);
            stage.proxy->inject(method, fault);
            stage.site.run_pod(pod);
            stage.wait_for(method, 1);
            stage.require_single(pod);
            ++faults;
        }
        for (const std::string method : kEnding) {
            const std::string pod = pod_for(method, word);
            stage.site.run_pod(pod);
            stage.proxy->inject(method, fault);
            stage.remove(pod);
            stage.require_gone(pod);
            CHECK(stage.proxy->happened(method) == 1);
            ++faults;
        }
    }
    // Looking fails as well, again and again.
    for (const std::string method :
         {"ListPodSandbox", "ListContainers", "ContainerStatus", "PodSandboxStatus", "ImageStatus"
         }) {
        stage.proxy->inject(method, CallFault::refuse, 2);
        const std::string pod = pod_for(method, "refused");
        stage.site.run_pod(pod);
        stage.wait_for(method, 2);
        stage.require_single(pod);
        faults += 2;
    }
    stage.site.require_healed();
    std::printf("%d calls to the runtime failed at once or late: no pod doubled or lost\n", faults);
}
