// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/sqlite_edge_store.hpp"

#include "common/datadir/data_dir.hpp"
#include "edgecore/store/store_rows.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace farhold::store {
namespace {

namespace fs = std::filesystem;

// So many damaged databases are kept; after that the newest one takes the last place.
constexpr int kDamagedKept = 5;

std::string damaged_name(const std::string& path) {
    int number = 1;
    while (number < kDamagedKept && fs::exists(fmt::format("{}.damaged-{}", path, number))) {
        ++number;
    }
    return fmt::format("{}.damaged-{}", path, number);
}

Result<void> rename_file(const std::string& from, const std::string& to) {
    std::error_code error;
    if (!fs::exists(from, error)) {
        return {};
    }
    fs::rename(from, to, error);
    if (error) {
        return fail(ErrorCode::internal, fmt::format("rename {}: {}", from, error.message()));
    }
    return {};
}

void remove_database(const std::string& path) {
    std::error_code ignored;  // What could not be removed shows when the file is opened.
    for (const char* suffix : {"", "-wal", "-shm"}) {
        fs::remove(path + suffix, ignored);
    }
}

// The database first: its companions without it are stale, it without them would look sound.
Result<void> move_database(const std::string& from, const std::string& to) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
        if (auto moved = rename_file(from + suffix, to + suffix); !moved) {
            return moved;
        }
    }
    return {};
}

std::string rescue_path(const std::string& path) {
    return path + ".rescue";
}

// A power cut between the two renames of a rescue leaves the finished copy beside nothing.
Result<void> finish_rescue(const std::string& path) {
    const std::string rescue = rescue_path(path);
    if (!fs::exists(path) && fs::exists(rescue)) {
        remove_database(path);
        return move_database(rescue, path);
    }
    remove_database(rescue);
    return {};
}

}  // namespace

SqliteEdgeStore::SqliteEdgeStore(std::string directory, std::string boot_id, std::string new_uuid)
    : directory_(std::move(directory)),
      path_(directory_ + "/state.db"),
      boot_id_(std::move(boot_id)),
      new_uuid_(std::move(new_uuid)) {}

SqliteEdgeStore::~SqliteEdgeStore() = default;

Result<StoreContents> SqliteEdgeStore::load() {
    if (auto finished = finish_rescue(path_); !finished) {
        return fail(finished.error().within("open store"));
    }
    auto contents = open_or_rescue();
    if (!contents) {
        return fail(contents.error().within("open store"));
    }
    StoreMeta& meta = contents->meta;
    if (auto settled = settle_uuid(meta); !settled) {
        return fail(settled.error().within("open store"));
    }
    ++meta.generation;
    meta.boot_id = boot_id_;
    if (auto written = writer_->write_meta(meta); !written) {
        return fail(written.error().within("open store"));
    }
    return contents;
}

Result<StoreContents> SqliteEdgeStore::open_or_rescue() {
    StoreContents contents;
    auto writer = StoreWriter::open(path_);
    if (writer) {
        writer_ = std::move(*writer);
        contents = read_rows(writer_->database());
        if (contents.report.clean()) {
            return contents;
        }
    } else if (writer.error().code() == ErrorCode::corrupt) {
        contents.report.findings.push_back(writer.error().message());
    } else {
        return fail(writer.error());
    }
    if (auto replaced = replace_database(contents); !replaced) {
        return fail(replaced.error());
    }
    return contents;
}

// The good rows go into a new database, which takes the place of the damaged one when it is whole.
Result<void> SqliteEdgeStore::replace_database(StoreContents& contents) {
    writer_.reset();
    const std::string rescue = rescue_path(path_);
    remove_database(rescue);
    {
        auto copy = StoreWriter::open(rescue);
        if (!copy) {
            return fail(copy.error());
        }
        if (auto written = (*copy)->write_contents(contents); !written) {
            return written;
        }
    }
    const std::string kept = damaged_name(path_);
    remove_database(kept);
    if (auto moved = move_database(path_, kept); !moved) {
        return moved;
    }
    if (auto moved = move_database(rescue, path_); !moved) {
        return moved;
    }
    contents.report.replaced_database = kept;
    auto writer = StoreWriter::open(path_);
    if (!writer) {
        return fail(writer.error());
    }
    writer_ = std::move(*writer);
    return {};
}

// The database knows the name best; the file is for when it does not.
Result<void> SqliteEdgeStore::settle_uuid(StoreMeta& meta) const {
    const std::string file = directory_ + "/store_uuid";
    const auto remembered = datadir::read_file(file);
    if (!remembered && remembered.error().code() != ErrorCode::not_found) {
        return fail(remembered.error());
    }
    const std::string known = remembered ? remembered->substr(0, remembered->find('\n')) : "";
    if (meta.store_uuid.empty()) {
        meta.store_uuid = known.empty() ? new_uuid_ : known;
    }
    if (known == meta.store_uuid) {
        return {};
    }
    return datadir::write_file(file, meta.store_uuid + "\n");
}

Result<void> SqliteEdgeStore::commit(std::span<const StoreBatch> batches) {
    if (!writer_) {
        auto writer = StoreWriter::open(path_);
        if (!writer) {
            return fail(writer.error().within("open store again"));
        }
        writer_ = std::move(*writer);
    }
    auto written = writer_->write(batches);
    if (!written) {
        writer_.reset();
    }
    return written;
}

}  // namespace farhold::store
