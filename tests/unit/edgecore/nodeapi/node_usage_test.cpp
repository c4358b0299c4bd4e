// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/node_usage.hpp"

#include "tests/support/catch.hpp"

#include <chrono>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::nodeapi;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kStat = "cpu  100 20 30 4000 50 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
constexpr std::string_view kMemory =
    "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable: 400 kB\n";

runtime::Container container(std::string id, runtime::ContainerState state) {
    runtime::Container made;
    made.id = std::move(id);
    made.name = "c";
    made.pod = {.ns = "ns", .name = "p", .uid = "u"};
    made.state = state;
    made.created_at = WallTime(500ms);
    return made;
}

runtime::ContainerUsage usage(std::string id) {
    return {
        .container_id = std::move(id),
        .measured_at = WallTime(2s),
        .cpu_nanoseconds = 1'500'000'000,
        .working_set_bytes = 4096,
    };
}

}  // namespace

TEST_CASE("node_usage: the kernel's numbers of the machine", "[nodeapi]") {
    const auto machine = read_machine_usage(kStat, kMemory, 100, WallTime(2s));
    REQUIRE(machine);
    CHECK(machine->cpu_nanoseconds == (100 + 20 + 30 + 6 + 7 + 8) * 10'000'000ULL);
    CHECK(machine->working_set_bytes == 600 * 1024);
    CHECK(machine->available_bytes == 400 * 1024);
    CHECK_FALSE(read_machine_usage("cpu  1 2 3\n", kMemory, 100, WallTime(2s)));
    CHECK_FALSE(read_machine_usage(kStat, "MemTotal: 1 kB\n", 100, WallTime(2s)));
    CHECK_FALSE(read_machine_usage(kStat, kMemory, 0, WallTime(2s)));
}

TEST_CASE("node_usage: only what runs and was measured is told", "[nodeapi]") {
    runtime::RuntimeState state;
    state.containers = {
        container("a", runtime::ContainerState::running),
        container("b", runtime::ContainerState::exited),
        container("c", runtime::ContainerState::running),
    };
    runtime::ContainerUsage fresh{.container_id = "c", .measured_at = WallTime(2s)};
    const auto joined = join_usage(state, {usage("a"), usage("b"), fresh, usage("foreign")});
    REQUIRE(joined.size() == 1);
    CHECK(joined[0].container.id == "a");
}

TEST_CASE("node_usage: both forms tell the same", "[nodeapi]") {
    const MachineUsage machine{WallTime(2s), 2'500'000'000, 1024, 2048};
    const std::vector<UsedContainer> containers{
        {container("a", runtime::ContainerState::running), usage("a")},
        {container("b", runtime::ContainerState::running), usage("b")},
    };
    const std::string text = resource_metrics(machine, containers);
    CHECK(text.contains("\nnode_cpu_usage_seconds_total 2.5 2000\n"));
    CHECK(text.contains("\nnode_memory_working_set_bytes 1024 2000\n"));
    const std::string labels = R"({container="c",namespace="ns",pod="p"})";
    CHECK(text.contains("\ncontainer_cpu_usage_seconds_total" + labels + " 1.5 2000\n"));
    CHECK(text.contains("\ncontainer_memory_working_set_bytes" + labels + " 4096 2000\n"));
    CHECK(text.contains("\ncontainer_start_time_seconds" + labels + " 0.5 2000\n"));

    const json::Value summary = stats_summary("edge-1", machine, containers);
    CHECK(summary.text_at({"node", "nodeName"}) == "edge-1");
    CHECK(summary.integer_at({"node", "memory", "workingSetBytes"}) == 1024);
    const auto& pods = summary.elements_at({"pods"});
    REQUIRE(pods.size() == 1);
    CHECK(pods[0].text_at({"podRef", "uid"}) == "u");
    CHECK(pods[0].integer_at({"cpu", "usageCoreNanoSeconds"}) == 3'000'000'000);
    CHECK(pods[0].elements_at({"containers"}).size() == 2);
}
