// SPDX-License-Identifier: Apache-2.0
//
// R1, P1, P4, P6: edgecore is killed at its n-th sync, and at its n-th write, for n over the whole life
// of a pod: between any two steps of its work. What was accepted is done, once, and a pod beside it is
// never touched.
#include "tests/support/rig/faulty_calls.hpp"
#include "tests/support/rig/pod_life.hpp"

#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

class KilledEdge {
public:
    KilledEdge()
        : calls_(runtime_.folder() + "/calls", runtime_.folder() + "/edge-data"),
          site_(runtime_, [this](CloudOptions&, MachineOptions& machine) {
              machine.environment = calls_.environment();
          }) {
        site_.run_pod("witness");
        witness_ = identities(site_.runtime);
    }

    // So many calls of that kind happen in a start and a pod's life.
    std::uint64_t count(Call call) {
        live([this] { calls_.clear(); });
        return calls_.seen(call);
    }

    void kill_at(Call call, std::uint64_t number) {
        live([&] { calls_.kill_at(call, number); });
    }

    void require_unharmed() {
        // The last one may have died when its pod was gone already.
        calls_.clear();
        if (!site_.machine.running()) site_.machine.start();
        site_.require_healed();
        CHECK(identities(site_.runtime) == witness_);
    }

    int kills() const { return kills_; }

private:
    template <class Plan>
    void live(Plan plan) {
        site_.machine.kill();
        plan();
        site_.machine.start_without_waiting();
        live_a_pods_life(site_, "pod-" + std::to_string(++lives_), [this] {
            if (site_.machine.running()) return;
            ++kills_;
            calls_.clear();
            site_.machine.start();
        });
        CHECK(identities(site_.runtime) == witness_);
    }

    ContainerdFixture runtime_;
    FaultyCalls calls_;
    Site site_;
    std::map<std::string, ContainerIdentity> witness_;
    int lives_ = 0;
    int kills_ = 0;
};

}  // namespace

TEST_CASE("edgecore: killed at any sync or write of its store", "[faults][edgecore]") {
    KilledEdge edge;
    const auto syncs = edge.count(Call::sync);
    for (const auto number : spread(syncs, fault_rounds(7, 1000))) {
        INFO("killed at sync " << number << " of " << syncs);
        edge.kill_at(Call::sync, number);
    }
    const auto writes = edge.count(Call::write);
    for (const auto number : spread(writes, fault_rounds(3, 1000))) {
        INFO("killed at write " << number << " of " << writes);
        edge.kill_at(Call::write, number);
    }
    edge.require_unharmed();
    CHECK(edge.kills() > 0);
    std::printf(
        "edgecore killed %d times at syncs (of %zu in a pod's life) and writes (of %zu): the pod "
        "beside was untouched, none ran twice, each died and restarted exactly once, all agrees\n",
        edge.kills(), static_cast<std::size_t>(syncs), static_cast<std::size_t>(writes)
    );
}
