// SPDX-License-Identifier: Apache-2.0
//
// D11, D12, D13, P13 on a whole machine: the store of an edgecore with a running pod is damaged
// while it is down. It starts, with or without a cloud to ask; the pod is not touched, and what is
// missing is fetched again. store_damage_test tries the places, this what follows.
#include "tests/support/rig/site.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Damage = std::function<void(const std::string& database)>;

void write_text(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
}

void flip(const std::string& path, std::size_t place) {
    std::string bytes = read_text(path);
    bytes.at(place) = static_cast<char>(bytes.at(place) ^ 4);
    write_text(path, bytes);
}

// In the stored pod itself, wherever it lies now.
void flip_in_pod(const std::string& database) {
    for (const std::string& path : {database, database + "-wal"}) {
        const auto place =
            fs::exists(path) ? read_text(path).rfind("sleep 1000000") : std::string::npos;
        if (place != std::string::npos) flip(path, place);
    }
}

std::vector<std::pair<std::string, Damage>> damages() {
    const auto half = [](const std::string& path) {
        if (fs::exists(path)) fs::resize_file(path, fs::file_size(path) / 2);
    };
    return {
        {"a bit of the stored pod", flip_in_pod},
        {"the first byte", [](const std::string& path) { flip(path, 0); }},
        {"the schema's version", [](const std::string& path) { flip(path, 63); }},
        {"half of the database", half},
        {"half of the WAL", [half](const std::string& path) { half(path + "-wal"); }},
        {"no WAL", [](const std::string& path) { fs::remove(path + "-wal"); }},
        {"an empty database", [](const std::string& path) { write_text(path, ""); }},
        {"no database",
         [](const std::string& path) {
             fs::remove(path);
             fs::remove(path + "-wal");
         }},
        {"noise", [](const std::string& path) { write_text(path, std::string(9999, 'x')); }},
    };
}

std::size_t kept_files(const std::string& folder) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = entry.path().filename();
        if (name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm"))
            ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("edgecore: its store is damaged, its pod is not", "[faults][edgecore]") {
    Site site;
    site.run_pod("witness");
    const auto witness = identities(site.runtime);
    int runs = 0;
    for (const auto& [name, damage] : damages()) {
        for (const bool with_cloud : {true, false}) {
            INFO(name << (with_cloud ? ", with a cloud" : ", without a cloud"));
            site.machine.kill();
            if (!with_cloud) site.cloud.kill();
            damage(site.machine.data_dir() + "/state.db");
            site.machine.start();
            // The runtime answers by now, and has been looked at.
            wait_until("the pods have been looked at", 30s, [&] {
                return site.machine.status().find("pods") != nullptr;
            });
            CHECK(identities(site.runtime) == witness);
            if (!with_cloud) site.cloud.start();
            wait_until("cloud and machine agree", 60s, [&] {
                return not_converged(site.cloud, site.machine);
            });
            CHECK(identities(site.runtime) == witness);
            ++runs;
        }
    }
    CHECK(kept_files(site.machine.data_dir()) > 0);
    site.require_healed();
    std::printf(
        "the store was damaged %d times, in %zu ways: edgecore started each time, its pod was "
        "untouched, "
        "cloud and machine agree, and damaged files were kept\n",
        runs, damages().size()
    );
}
