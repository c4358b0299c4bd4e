// SPDX-License-Identifier: Apache-2.0
//
// R9, R10: edgecore ends within 10 s whatever waits to be sent, loses nothing of it, and is the
// only one on its folder.
#include "edgecore/store/outbox.hpp"
#include "edgecore/store/sqlite_edge_store.hpp"
#include "tests/support/rig/site.hpp"

#include <cstdio>
#include <span>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

// As many reports as there may be, about pods that the cloud has long forgotten.
std::size_t fill_outbox(const std::string& data_dir) {
    store::SqliteEdgeStore store(data_dir, "boot", "unused");
    const auto contents = store.load();
    REQUIRE(contents.has_value());
    store::StoreBatch batch;
    const std::size_t count = store::kOutboxRowsMax - contents->reports.size();
    for (std::size_t number = 1; number <= count; ++number) {
        const std::string name = "gone-" + std::to_string(number);
        batch.reports.push_back(
            {contents->meta.seq_high + number, "PodStatus/default/" + name, "uid-of-" + name,
             R"({"phase":"Failed"})"}
        );
    }
    REQUIRE(store.commit(std::span(&batch, 1)).has_value());
    return store::kOutboxRowsMax;
}

std::size_t depth(const Machine& machine) {
    return static_cast<std::size_t>(machine.status().integer_at({"outbox", "depth"}));
}

}  // namespace

TEST_CASE("edgecore: told to end with a full outbox and no link", "[faults][edgecore]") {
    Site site;
    site.run_pod("witness");
    const auto witness = identities(site.runtime);
    site.machine.stop();
    site.cloud.kill();
    const std::size_t full = fill_outbox(site.machine.data_dir());
    site.machine.start();
    CHECK(depth(site.machine) == full);
    const auto told = std::chrono::steady_clock::now();
    site.machine.stop();
    const auto needed = std::chrono::duration<double>(std::chrono::steady_clock::now() - told);
    CHECK(identities(site.runtime) == witness);
    site.machine.start();
    CHECK(depth(site.machine) == full);
    site.cloud.start();
    wait_until("every report is taken or refused", 120s, [&] { return depth(site.machine) == 0; });
    CHECK(identities(site.runtime) == witness);
    site.require_healed();
    std::printf(
        "edgecore told to end with %zu reports waiting and no link: ended well after %.1f s, lost "
        "none "
        "of them, and sent them all later\n",
        full, needed.count()
    );
}

TEST_CASE("edgecore: a second one on the same folder", "[faults][edgecore]") {
    Site site;
    site.run_pod("witness");
    const auto witness = identities(site.runtime);
    const auto second =
        run_to_end({program("edgecore"), "run", "--config", site.folder() + "/edgecore.yaml"});
    CHECK(second.exit_code == 1);
    INFO(second.output);
    CHECK(second.output.contains(std::to_string(site.machine.process().pid())));
    CHECK(site.machine.running());
    CHECK(identities(site.runtime) == witness);
    site.require_healed();
    std::printf(
        "a second edgecore on the same folder: refused with exit code 1, the first goes on\n"
    );
}
