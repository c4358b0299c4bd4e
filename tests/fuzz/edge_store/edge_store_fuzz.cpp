// SPDX-License-Identifier: Apache-2.0
//
// The machine's database after a disk has done what it likes to it. A sound store is made, then
// bytes of it, of its log or of both are overwritten, cut off or replaced as the input says. It
// opens in any case, every row that it serves is one that was written, and it takes new ones.
#include "common/base/ensure.hpp"
#include "edgecore/store/desired_state.hpp"
#include "edgecore/store/outbox.hpp"
#include "edgecore/store/sqlite_edge_store.hpp"
#include "tests/support/damaged_database.hpp"
#include "tests/support/temp_dir.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold;
using namespace farhold::store;

namespace {

namespace fs = std::filesystem;

std::string content_of(int i) {
    return R"({"kind":"ConfigMap","data":{"k":")" +
           std::string(static_cast<std::size_t>(i) * 200, 'x') + "\"}}";
}

StoreBatch batch_of(int first, int count) {
    StoreBatch batch;
    batch.complete = true;
    for (int i = first; i < first + count; ++i) {
        DesiredRow row;
        row.key = {"ConfigMap", "default", "c" + std::to_string(i)};
        row.uid = "uid-" + std::to_string(i);
        row.resource_version = "1";
        row.hash = std::string(16, static_cast<char>(i));
        row.encoding = 1;
        row.content = std::make_shared<const std::string>(content_of(i));
        batch.upserts.push_back(std::move(row));
        batch.reports.push_back({
            .seq = static_cast<std::uint64_t>(i) + 1,
            .key = "PodStatus/default/p" + std::to_string(i),
            .uid = "u",
            .body = content_of(i),
        });
        batch.memory.push_back({.pod_uid = "pod-" + std::to_string(i), .text = content_of(i)});
    }
    return batch;
}

// As a kill leaves it: some of it in the log.
const test::DamagedDatabase& sound_files() {
    static const test::DamagedDatabase files = [] {
        const test::TempDir folder;
        {
            SqliteEdgeStore store(folder.path(), "boot", "uuid-1");
            ensure(store.load().has_value(), "a new store");
            const auto batch = batch_of(0, 12);
            ensure(store.commit({&batch, 1}).has_value(), "written");
        }
        SqliteEdgeStore store(folder.path(), "boot", "uuid-1");
        ensure(store.load().has_value(), "opened again");
        const auto batch = batch_of(12, 6);
        ensure(store.commit({&batch, 1}).has_value(), "written to the log");
        return test::DamagedDatabase::read(folder.file("state.db"));
    }();
    return files;
}

int number_after(std::string_view text, std::string_view prefix) {
    ensure(text.starts_with(prefix), "a row that was written");
    return std::stoi(std::string(text.substr(prefix.size())));
}

void check(const StoreContents& contents) {
    for (const DesiredRow& row : contents.desired) {
        const int i = number_after(row.key.name, "c");
        ensure(row.uid == "uid-" + std::to_string(i), "with its uid");
        ensure(row.content && *row.content == content_of(i), "with its content");
        ensure(row.hash == std::string(16, static_cast<char>(i)) && row.encoding == 1, "and hash");
    }
    for (const ReportRow& row : contents.reports) {
        const int i = number_after(row.key, "PodStatus/default/p");
        ensure(row.seq == static_cast<std::uint64_t>(i) + 1, "with its number");
        ensure(row.body == content_of(i) && row.seq <= contents.meta.seq_high, "and its text");
    }
    for (const MemoryRow& row : contents.memory) {
        ensure(row.text == content_of(number_after(row.pod_uid, "pod-")), "as it was");
    }
    const std::size_t rows = contents.desired.size();
    ensure(!contents.meta.complete || rows == 12 || rows == 18, "all or known to be damaged");
    const Outbox outbox(contents.reports, contents.meta.seq_high);
    ensure(outbox.size() == contents.reports.size(), "every number once");
    ensure(DesiredState(contents.desired, false).size() == rows, "every key once");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    test::DamagedDatabase files = sound_files();
    const bool with_log = files.damage(in);
    const test::TempDir folder;
    files.write(folder.file("state.db"), with_log);
    std::ofstream(folder.file("store_uuid")) << "uuid-1\n";
    {
        SqliteEdgeStore store(folder.path(), "boot", "uuid-2");
        const auto contents = store.load();
        ensure(contents.has_value(), "a store opens, or is set aside for a new one");
        ensure(contents->meta.store_uuid == "uuid-1", "and keeps its name");
        check(*contents);
        const auto batch = batch_of(30, 1);
        ensure(store.commit({&batch, 1}).has_value(), "it takes new rows");
    }
    SqliteEdgeStore store(folder.path(), "boot", "uuid-2");
    const auto contents = store.load();
    ensure(contents && contents->report.clean(), "and is sound from then on");
    ensure(!contents->desired.empty(), "with what was written");
    return 0;
}
