// SPDX-License-Identifier: Apache-2.0
//
// Pods that had ended before this machine knew of them.
#include "edgecore/pods/pod_lifecycle.hpp"
#include "pod_bench.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <string_view>

namespace farhold::pods::test {

namespace {

void start(Bench& bench, const std::string& json = pod_json()) {
    bench.lifecycle.desire(make_spec(json), bench.now());
    bench.settle();
}

// As a machine gets it that was set up anew after the pod had ended.
std::string ended_json(std::string_view metadata = "") {
    return pod_json("", metadata).insert(1, R"("status":{"phase":"Succeeded"},)");
}

}  // namespace

TEST_CASE("pod_lifecycle: what has ended elsewhere is not run, and goes when deleted", "[pods]") {
    Bench bench;
    start(bench, ended_json());
    CHECK(bench.lifecycle.ended_elsewhere());
    CHECK(bench.count<RunSandbox>() + bench.count<SaveMemory>() == 0);
    start(bench, ended_json(R"(,"deletionTimestamp":"2026-01-02T15:04:05Z")"));
    CHECK(bench.count<ReportGone>() == 1);

    // A cluster that is put back to before its end wants it again.
    Bench again;
    start(again, ended_json());
    start(again);
    CHECK_FALSE(again.lifecycle.ended_elsewhere());
    CHECK(again.running() == 1);
}

TEST_CASE("pod_lifecycle: what runs here has not ended, whatever the cluster says", "[pods]") {
    Bench bench;
    start(bench);
    start(bench, ended_json());
    CHECK_FALSE(bench.lifecycle.ended_elsewhere());
    CHECK(bench.running() == 1);
    bench.stored = {};
    bench.restart_process();
    start(bench, ended_json());
    CHECK_FALSE(bench.lifecycle.ended_elsewhere());
    CHECK(bench.running() == 1);
}

}  // namespace farhold::pods::test
