// SPDX-License-Identifier: Apache-2.0
//
// What a lost link costs: how soon all is in sync again, and whether a node is called NotReady.
#include "benchmarks.hpp"
#include "common/async/task_group.hpp"
#include "fleet.hpp"
#include "progress.hpp"
#include "stage.hpp"
#include "tests/support/rig/process.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

namespace farhold::bench {

namespace {

using namespace std::chrono_literals;

constexpr int kMachines = 10;
constexpr int kCutRounds = 5;
constexpr auto kCut = 20s;
// The machines' cuts begin one after the other, so that they meet every phase of the heartbeat.
constexpr auto kStagger = 430ms;
constexpr int kRestarts = 3;
constexpr auto kDown = 3s;
constexpr auto kPatience = 60s;
constexpr int kChanged = 1000;
constexpr auto kChanging = 30s;

const std::string kNodes = "/api/v1/nodes";
const std::string kLeases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/";

// Which nodes the API has called anything but Ready.
class ReadyLog {
public:
    explicit ReadyLog(const ApiAccess& access)
        : watch_(access, kNodes, [this](const json::Value& event) { see(event); }) {}

    // How many since the last call.
    std::size_t take() {
        const std::scoped_lock lock(mutex_);
        return std::exchange(not_ready_, {}).size();
    }

private:
    void see(const json::Value& event) {
        for (const json::Value& one : event.elements_at({"object", "status", "conditions"})) {
            if (one.text_at({"type"}) != "Ready" || one.text_at({"status"}) == "True") continue;
            const std::scoped_lock lock(mutex_);
            not_ready_.emplace(event.text_at({"object", "metadata", "name"}));
        }
    }

    std::mutex mutex_;
    std::set<std::string> not_ready_;
    ApiWatch watch_;
};

struct Cut {
    enum class State : std::uint8_t { waits, cut, restored, in_sync } state = State::waits;
    Instant next;
    std::string digest;  // Of the view before.
};

// One cut of each machine; a change is made for each during it. Adds how long after the restoration
// each held that change, was connected and had no report waiting.
void cut_all(Fleet& fleet, ApiSession& api, std::vector<double>& waits) {
    std::vector<Cut> cuts(static_cast<std::size_t>(fleet.size()));
    const Instant began = SystemClock().now().mono;
    for (std::size_t at = 0; at < cuts.size(); ++at) {
        cuts[at].next = began + static_cast<int>(at) * kStagger;
    }
    const auto is_done = [](const Cut& cut) { return cut.state == Cut::State::in_sync; };
    while (!std::ranges::all_of(cuts, is_done)) {
        for (int machine = 0; machine < fleet.size(); ++machine) {
            Cut& cut = cuts[static_cast<std::size_t>(machine)];
            const Instant now = SystemClock().now().mono;
            if (cut.state == Cut::State::waits && now >= cut.next) {
                cut.digest = fleet.look(machine).digest;
                fleet.network().cut(machine);
                fleet.change_config(machine, api);
                cut.next = now + kCut;
                cut.state = Cut::State::cut;
            } else if (cut.state == Cut::State::cut && now >= cut.next) {
                fleet.network().restore(machine);
                cut.next = SystemClock().now().mono;
                cut.state = Cut::State::restored;
            } else if (cut.state == Cut::State::restored) {
                const LinkView view = fleet.look(machine);
                if (view.connected && view.digest != cut.digest && view.waiting_reports == 0) {
                    waits.push_back(Stopwatch(cut.next).milliseconds());
                    cut.state = Cut::State::in_sync;
                } else if (now - cut.next > kPatience) {
                    throw std::runtime_error("a machine is not in sync a minute after its cut");
                }
            }
        }
        test::pause_briefly(3);
    }
}

void add_cuts(std::vector<Figure>& figures, Fleet& fleet, ReadyLog& ready) {
    ApiSession api(fleet.admin());
    std::vector<double> waits;
    ready.take();
    for (int round = 1; round <= kCutRounds; ++round) {
        say(fmt::format(
            "each of {} machines is cut off for {} s, round {} of {}", fleet.size(), kCut.count(),
            round, kCutRounds
        ));
        cut_all(fleet, api, waits);
    }
    figures.push_back({
        .key = "backInSyncP50Ms",
        .what = fmt::format(
            "link restored after {} s to all in sync, p50 of {}", kCut.count(), waits.size()
        ),
        .value = percentile(waits, 50),
        .unit = "ms",
        .below = 1000,
    });
    figures.push_back({
        .key = "backInSyncP99Ms",
        .what = "  p99",
        .value = percentile(waits, 99),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "notReadyThroughCuts",
        .what = fmt::format("nodes called NotReady in these {} cuts", waits.size()),
        .value = static_cast<double>(ready.take()),
        .unit = "",
        .below = 1,
    });
}

// The moment of the node's last heartbeat in its Lease, as text.
std::string renewed_at(ApiSession& api, const std::string& node) {
    return std::string(api.ask("GET", kLeases + node).text_at({"spec", "renewTime"}));
}

void wait_for_renewals(Fleet& fleet) {
    ApiSession api(fleet.admin());
    for (int machine = 0; machine < fleet.size(); ++machine) {
        const std::string before = renewed_at(api, fleet.name(machine));
        test::wait_until(fleet.name(machine) + " has a new heartbeat", 60s, [&] {
            return renewed_at(api, fleet.name(machine)) != before;
        });
    }
}

void add_restarts(std::vector<Figure>& figures, Fleet& fleet, ReadyLog& ready) {
    std::vector<double> waits;
    ready.take();
    for (int round = 1; round <= kRestarts; ++round) {
        say(fmt::format(
            "cloudcore is killed and starts 3 s later, round {} of {}", round, kRestarts
        ));
        std::vector<std::uint64_t> epochs;
        for (int machine = 0; machine < fleet.size(); ++machine) {
            epochs.push_back(fleet.look(machine).epoch);
        }
        fleet.cloud().kill();
        let_pass(kDown, "cloudcore is down");
        const Stopwatch watch;
        fleet.cloud().start_without_waiting();
        for (std::size_t left = epochs.size(); left > 0;) {
            for (int machine = 0; machine < fleet.size(); ++machine) {
                std::uint64_t& epoch = epochs[static_cast<std::size_t>(machine)];
                if (epoch == 0) continue;
                const LinkView view = fleet.look(machine);
                if (view.connected && view.epoch > epoch && view.waiting_reports == 0) {
                    waits.push_back(watch.milliseconds());
                    epoch = 0;
                    --left;
                }
            }
            if (watch.milliseconds() > 60'000)
                throw std::runtime_error("machines do not come back");
            test::pause_briefly(3);
        }
        wait_for_renewals(fleet);
    }
    figures.push_back({
        .key = "hubRestartInSyncP50Ms",
        .what = fmt::format("cloudcore's start to a machine in sync, p50 of {}", waits.size()),
        .value = percentile(waits, 50),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "hubRestartInSyncP99Ms",
        .what = "  p99",
        .value = percentile(waits, 99),
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "notReadyThroughRestarts",
        .what = fmt::format("nodes called NotReady in {} restarts of 3 s", kRestarts),
        .value = static_cast<double>(ready.take()),
        .unit = "",
        .below = 1,
    });
}

std::string changing_config(int number, int version) {
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"changing-{}"}},)"
        R"("data":{{"text":"{} {}"}}}})",
        number, version, std::string(1000, 'x')
    );
}

// A pod that uses all of them, so that all are in its machine's view.
std::string pod_with_all(const std::string& node) {
    std::string sources;
    for (int number = 0; number < kChanged; ++number) {
        sources += fmt::format(
            R"({}{{"configMap":{{"name":"changing-{}","items":[{{"key":"text","path":"{}"}}]}}}})",
            number == 0 ? "" : ",", number, number
        );
    }
    return fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"with-all"}},)"
        R"("spec":{{"nodeName":"{}","terminationGracePeriodSeconds":0,)"
        R"("volumes":[{{"name":"all","projected":{{"sources":[{}]}}}}],)"
        R"("containers":[{{"name":"main","image":"{}","command":["/bin/sleep","1000000"],)"
        R"("volumeMounts":[{{"name":"all","mountPath":"/all"}}]}}]}}}})",
        node, sources, test::ContainerdFixture::kBusybox
    );
}

struct Changes {
    Instant end;
    int made = 0;
};

Task<> change_objects(ApiAccess access, std::string method, Changes& changes) {
    const auto connection = co_await ApiConnection::open(std::move(access));
    const std::string collection = "/api/v1/namespaces/default/configmaps";
    const bool create = method == "POST";
    while (create ? changes.made < kChanged : SystemClock().now().mono < changes.end) {
        const int number = changes.made++;
        const std::string name = fmt::format("/changing-{}", number % kChanged);
        const ApiAnswer answer = co_await connection->ask(
            method, create ? collection : collection + name,
            changing_config(number % kChanged, number / kChanged)
        );
        if (answer.status != (create ? 201 : 200)) throw std::runtime_error(answer.body);
    }
}

void change_all(const ApiAccess& access, const std::string& method, Changes& changes) {
    boost::asio::io_context loop(1);
    TaskGroup group(loop.get_executor());
    for (int client = 0; client < 4; ++client) {
        group.spawn(change_objects(access, method, changes));
    }
    run_on(loop, group.join());
}

void add_heartbeats(std::vector<Figure>& figures, Fleet& fleet) {
    constexpr int kMachine = 0;
    say(fmt::format("{} ConfigMaps of one machine change for {} s", kChanged, kChanging.count()));
    Changes made;
    change_all(fleet.admin(), "POST", made);
    ApiSession api(fleet.admin());
    PodTimes times(fleet.admin());
    api.ask("POST", kPods, pod_with_all(fleet.name(kMachine)));
    times.wait_running({"with-all"});
    const std::uint64_t epoch = fleet.look(kMachine).epoch;

    Changes changes;
    changes.end = SystemClock().now().mono + kChanging;
    std::thread changing([&] { change_all(fleet.admin(), "PUT", changes); });
    double longest_gap = 0;
    double longest_round_trip = 0;
    std::string last = renewed_at(api, fleet.name(kMachine));
    Stopwatch since;
    // One heartbeat more than falls into the time, so that the last gap is whole.
    for (bool over = false; !over;) {
        test::pause_briefly(50);
        longest_round_trip = std::max(longest_round_trip, fleet.look(kMachine).round_trip_ms);
        const std::string now = renewed_at(api, fleet.name(kMachine));
        longest_gap = std::max(longest_gap, since.milliseconds() / 1000);
        if (now == last && since.milliseconds() < 60'000) continue;
        over = SystemClock().now().mono > changes.end;
        last = now;
        since = Stopwatch();
    }
    changing.join();
    figures.push_back({
        .key = "changingObjectsPerSecond",
        .what = fmt::format("changes of {} objects of one machine", kChanged),
        .value = changes.made / std::chrono::duration<double>(kChanging).count(),
        .unit = "/s",
        .below = {},
    });
    figures.push_back({
        .key = "heartbeatGapSeconds",
        .what = "  longest time between two heartbeats in its Lease (one is due each 10 s)",
        .value = longest_gap,
        .unit = "s",
        .below = 15,
    });
    figures.push_back({
        .key = "heartbeatRoundTripMaxMs",
        .what = "  longest round trip of a ping",
        .value = longest_round_trip,
        .unit = "ms",
        .below = {},
    });
    figures.push_back({
        .key = "sessionsLostWhileChanging",
        .what = "  sessions lost",
        .value = fleet.look(kMachine).epoch == epoch ? 0.0 : 1.0,
        .unit = "",
        .below = 1,
    });
}

}  // namespace

std::vector<Figure> measure_link() {
    std::vector<Figure> figures;
    Fleet fleet(kMachines);
    ReadyLog ready(fleet.admin());
    add_cuts(figures, fleet, ready);
    add_restarts(figures, fleet, ready);
    add_heartbeats(figures, fleet);
    return figures;
}

}  // namespace farhold::bench
