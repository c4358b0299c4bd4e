// SPDX-License-Identifier: Apache-2.0
//
// D11, D12, D13, P13: a prepared store is damaged in every way there is, one damage a run. It opens
// every time, what it serves was committed, what is missing is known to be missing, a damaged file is
// kept, and it can be written again.
#include "edgecore/store/sqlite_edge_store.hpp"
#include "store_history.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rig/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <span>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::test;  // NOLINT(google-build-using-namespace)
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kStride = 509;  // Of a page's 4,096 bytes, another place on each.
constexpr std::size_t kPage = 4096;

std::string read_bytes(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

struct Image {
    std::string database;
    std::optional<std::string> wal;
};

// In memory: thousands of stores need no disk, and would wear it.
void use_memory() {
    if (fs::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 1);
}

// A store as a kill leaves it: much of it in the WAL only. Or as a clean end does.
Image prepared(const StoreHistory& history, bool killed) {
    use_memory();
    const TempDir dir;
    const std::string path = dir.file("state.db");
    Image image;
    {
        store::SqliteEdgeStore store(dir.path(), "boot", "machine");
        REQUIRE(store.load().has_value());
        for (const auto& batch : history.batches()) {
            REQUIRE(store.commit(std::span(&batch, 1)).has_value());
        }
        if (killed) image = {read_bytes(path), read_bytes(path + "-wal")};
    }
    if (!killed) image.database = read_bytes(path);
    return image;
}

class Damages {
public:
    explicit Damages(std::string what) : what_(std::move(what)) {}

    void try_one(const StoreHistory& history, const Image& image, const std::string& damage) {
        INFO(what_ << ": " << damage);
        const TempDir dir;
        const std::string path = dir.file("state.db");
        write_bytes(dir.file("store_uuid"), "machine\n");
        write_bytes(path, image.database);
        if (image.wal) write_bytes(path + "-wal", *image.wal);
        ++tried_;
        {
            store::SqliteEdgeStore store(dir.path(), "boot", "another");
            const auto contents = store.load();
            const std::string failure = contents ? "" : contents.error().message();
            CHECK(failure == "");
            if (!contents) return;
            CHECK(history.judge(*contents) == "");
            CHECK(contents->meta.store_uuid == "machine");
            const auto& report = contents->report;
            if (!report.clean()) ++noticed_;
            if (!report.replaced_database.empty()) {
                CHECK(fs::exists(report.replaced_database));
            }
            if (report.clean() && history.is_newest(*contents)) ++unharmed_;
            require_writable(store, history);
        }
        store::SqliteEdgeStore again(dir.path(), "boot", "another");
        const auto contents = again.load();
        REQUIRE(contents.has_value());
        CHECK(contents->report.clean());
    }

    void tell() const {
        std::printf(
            "%s: %zu runs; %zu times the damage was noticed, %zu times nothing was lost, otherwise "
            "an "
            "older state came back whole; nothing wrong was served\n",
            what_.c_str(), tried_, noticed_, unharmed_
        );
    }

private:
    static void require_writable(store::SqliteEdgeStore& store, const StoreHistory& history) {
        const auto written = store.commit(std::span(&history.batches().back(), 1));
        const std::string failure = written ? "" : written.error().message();
        CHECK(failure == "");
    }

    std::string what_;
    std::size_t tried_ = 0;
    std::size_t noticed_ = 0;
    std::size_t unharmed_ = 0;
};

std::string with_flipped_bit(std::string bytes, std::size_t place) {
    bytes[place] =
        static_cast<char>(static_cast<unsigned char>(bytes[place]) ^ (1U << (place / kStride % 8)));
    return bytes;
}

}  // namespace

TEST_CASE("edge_store: one bit flipped in the database", "[faults][store]") {
    const StoreHistory history(30);
    const Image sound = prepared(history, false);
    Damages damages("one bit of the database flipped");
    for (std::size_t place = 0; place < sound.database.size(); place += kStride) {
        const Image image{with_flipped_bit(sound.database, place), {}};
        damages.try_one(history, image, "at byte " + std::to_string(place));
    }
    damages.tell();
}

TEST_CASE("edge_store: one bit flipped in the WAL", "[faults][store]") {
    const StoreHistory history(30);
    const Image sound = prepared(history, true);
    REQUIRE(sound.wal->size() > 100 * kPage);
    Damages damages("one bit of the WAL flipped");
    for (std::size_t place = 0; place < sound.wal->size(); place += kStride) {
        const Image image{sound.database, with_flipped_bit(*sound.wal, place)};
        damages.try_one(history, image, "at byte " + std::to_string(place));
    }
    damages.tell();
}

TEST_CASE("edge_store: cut off at every page", "[faults][store]") {
    const StoreHistory history(30);
    const Image closed = prepared(history, false);
    const Image killed = prepared(history, true);
    Damages damages("database or WAL cut off");
    for (std::size_t size = 0; size < closed.database.size(); size += kPage) {
        const std::string at = " at " + std::to_string(size);
        damages.try_one(history, {closed.database.substr(0, size), {}}, "database" + at);
    }
    for (std::size_t size = 0; size < killed.wal->size(); size += kPage) {
        const std::string at = " at " + std::to_string(size);
        damages.try_one(history, {killed.database, killed.wal->substr(0, size)}, "WAL" + at);
    }
    damages.tell();
}

TEST_CASE("edge_store: files missing, foreign or filled with noise", "[faults][store]") {
    const StoreHistory history(30);
    const Image closed = prepared(history, false);
    const Image killed = prepared(history, true);
    Damages damages("a file missing, foreign or noise");
    damages.try_one(history, {killed.database, {}}, "the WAL is deleted");
    damages.try_one(history, {closed.database, killed.wal}, "the WAL is another store's");
    damages.try_one(history, {std::string(3 * kPage, 'x'), {}}, "the database is noise");
    damages.try_one(history, {closed.database, std::string(3 * kPage, 'x')}, "the WAL is noise");
    damages.try_one(history, {std::string(kPage, '\0'), {}}, "the database is zeros");
    damages.try_one(history, {"", killed.wal}, "the database is empty, its WAL is not");
    damages.tell();
}
