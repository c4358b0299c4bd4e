// SPDX-License-Identifier: Apache-2.0
//
// K17, R3, P3, P6: cloudcore is killed at its n-th sync, for n over the whole life of a pod. What
// it has accepted is there after the restart, its revisions never go back, and pods do not notice.
#include "tests/support/rig/faulty_calls.hpp"
#include "tests/support/rig/pod_life.hpp"

#include <charconv>
#include <cstdio>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)

namespace {

class KilledCloud {
public:
    KilledCloud()
        : calls_(runtime_.folder() + "/calls", runtime_.folder() + "/cloud-data"),
          site_(runtime_, [this](CloudOptions& cloud, MachineOptions&) {
              cloud.environment = calls_.environment();
          }) {
        site_.run_pod("witness");
        witness_ = identities(site_.runtime);
    }

    std::uint64_t count_syncs() {
        live([this] { calls_.clear(); });
        return calls_.seen(Call::sync);
    }

    void kill_at_sync(std::uint64_t number) {
        live([&] { calls_.kill_at(Call::sync, number); });
    }

    void require_unharmed() {
        // The last one may have died when its pod was gone already.
        calls_.clear();
        if (!site_.cloud.running()) site_.cloud.start();
        site_.require_healed();
        CHECK(identities(site_.runtime) == witness_);
    }

    int kills() const { return kills_; }

private:
    template <class Plan>
    void live(Plan plan) {
        site_.cloud.kill();
        plan();
        site_.cloud.start_without_waiting();
        live_a_pods_life(site_, "pod-" + std::to_string(++lives_), [this] { revive(); });
        CHECK(identities(site_.runtime) == witness_);
    }

    void revive() {
        if (site_.cloud.running()) {
            note_revision();
            return;
        }
        ++kills_;
        calls_.clear();
        site_.cloud.start();
        const auto seen = revision_;
        note_revision();
        CHECK(revision_ >= seen);
    }

    void note_revision() {
        try {
            const auto list = site_.cloud.get("/api/v1/namespaces/default/pods");
            const auto text = list.text_at({"metadata", "resourceVersion"});
            std::from_chars(text.data(), text.data() + text.size(), revision_);
        } catch (const std::exception&) {
            // It has just died, or is about to start.
            return;
        }
    }

    ContainerdFixture runtime_;
    FaultyCalls calls_;
    Site site_;
    std::map<std::string, ContainerIdentity> witness_;
    std::uint64_t revision_ = 0;
    int lives_ = 0;
    int kills_ = 0;
};

}  // namespace

TEST_CASE("cloudcore: killed at any sync of its store", "[faults][cloudcore]") {
    KilledCloud cloud;
    const auto syncs = cloud.count_syncs();
    for (const auto number : spread(syncs, fault_rounds(4, 1000))) {
        INFO("killed at sync " << number << " of " << syncs);
        cloud.kill_at_sync(number);
    }
    cloud.require_unharmed();
    CHECK(cloud.kills() > 0);
    std::printf(
        "cloudcore killed at %d of %zu syncs of a pod's life: nothing accepted was lost, no "
        "revision went back, the pod beside was untouched, all agrees\n",
        cloud.kills(), static_cast<std::size_t>(syncs)
    );
}
