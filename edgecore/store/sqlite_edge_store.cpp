// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/sqlite_edge_store.hpp"

#include "common/datadir/data_dir.hpp"
#include "edgecore/store/salvage.hpp"
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

std::size_t row_count(const StoreContents& contents) {
    return contents.desired.size() + contents.reports.size() + contents.memory.size();
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
      new_uuid_(std::move(new_uuid)),
      reserve_(directory_ + "/reserve") {}

SqliteEdgeStore::~SqliteEdgeStore() {
    if (writer_) {
        // Without it the next start finds nothing worse than a log to read.
        static_cast<void>(writer_->mark_open(false));
    }
}

Result<StoreContents> SqliteEdgeStore::load() {
    const auto finished = finish_rescue(path_);
    const bool had_log = fs::exists(path_ + "-wal");
    auto contents = open_or_salvage();
    if (!contents) {
        return fail(contents.error().within("open store"));
    }
    LoadReport& report = contents->report;
    StoreMeta& meta = contents->meta;
    if (!finished) {
        report.findings.push_back(finished.error().message());
    }
    const bool damaged = !report.clean();
    if (meta.open && !had_log) {
        report.went_back = true;
        report.findings.push_back(path_ + "-wal is gone, and with it what was written last");
        meta.complete = false;
    }
    if (auto settled = settle_uuid(*contents); !settled) {
        return fail(settled.error().within("open store"));
    }
    generation_ = meta.generation + 1;
    meta.boot_id = boot_id_;
    Result<void> begun = damaged ? rewrite(*contents, true) : begin(meta);
    if (damaged && begun) {
        report.replaced_database = kept_;
    }
    if (!begun) {
        writer_.reset();
        report.not_writable = begun.error().message();
        report.findings.push_back("the store cannot be written: " + begun.error().message());
    }
    // One that is not on the disk would be given out again.
    meta.generation = begun ? generation_ : 0;
    if (const auto filled = reserve_.fill(); !filled) {
        report.findings.push_back(filled.error().message());
    }
    return contents;
}

Result<StoreContents> SqliteEdgeStore::open_or_salvage() {
    auto writer = StoreWriter::open(path_);
    if (writer) {
        writer_ = std::move(*writer);
        StoreContents contents = read_rows(writer_->database());
        if (contents.report.clean()) {
            return contents;
        }
        // A read that failed hides more than its page: a copy may show what is behind it.
        StoreContents copied = salvage(path_);
        return row_count(copied) > row_count(contents) ? std::move(copied) : std::move(contents);
    }
    StoreContents contents;
    // A newer program's tables may mean something else: they are set aside unread.
    const ErrorCode why = writer.error().code();
    if (why != ErrorCode::corrupt && why != ErrorCode::unsupported) {
        contents = salvage(path_);
    }
    contents.report.findings.push_back(writer.error().message());
    contents.meta.complete = false;
    return contents;
}

// The database knows the name best; the file is for when it does not.
Result<void> SqliteEdgeStore::settle_uuid(StoreContents& contents) const {
    StoreMeta& meta = contents.meta;
    const std::string file = directory_ + "/store_uuid";
    const auto remembered = datadir::read_file(file);
    const bool none = !remembered && remembered.error().code() == ErrorCode::not_found;
    if (!remembered && !none && meta.store_uuid.empty()) {
        return fail(remembered.error());
    }
    const std::string known = remembered ? remembered->substr(0, remembered->find('\n')) : "";
    if (meta.store_uuid.empty()) {
        meta.store_uuid = known.empty() ? new_uuid_ : known;
    }
    if (known != meta.store_uuid) {
        if (auto written = datadir::write_file(file, meta.store_uuid + "\n"); !written) {
            contents.report.findings.push_back(written.error().message());
        }
    }
    return {};
}

// From here on the log belongs to the store. It is emptied first: what the kernel shows of it may
// not be on the disk, if a sync failed before the last process ended.
Result<void> SqliteEdgeStore::begin(StoreMeta meta) {
    meta.generation = generation_;
    meta.open = true;
    auto written = writer_->write_meta(meta);
    return written ? writer_->database().checkpoint() : written;
}

Result<void> SqliteEdgeStore::commit(std::span<const StoreBatch> batches) {
    if (!writer_) {
        return fail(ErrorCode::unavailable, path_ + " is not open");
    }
    auto written = writer_->write(batches);
    if (!written && written.error().code() != ErrorCode::resource_exhausted) {
        writer_.reset();
    }
    return written;
}

Result<void> SqliteEdgeStore::rewrite(const StoreContents& contents, bool keep_present) {
    writer_.reset();
    const std::string rescue = rescue_path(path_);
    remove_database(rescue);
    StoreMeta meta = contents.meta;
    meta.generation = generation_;
    meta.boot_id = boot_id_;
    meta.open = false;
    {
        auto copy = StoreWriter::open(rescue);
        if (!copy) {
            return fail(copy.error());
        }
        if (auto written = (*copy)->write_contents(contents, meta); !written) {
            return written;
        }
        // Else its log would have to move along.
        if (auto moved = (*copy)->database().checkpoint(); !moved) {
            return moved;
        }
    }
    kept_ = keep_present ? damaged_name(path_) : std::string();
    if (auto taken = take_over(kept_); !taken) {
        return taken;
    }
    auto writer = StoreWriter::open(path_);
    if (!writer) {
        return fail(writer.error());
    }
    writer_ = std::move(*writer);
    return begin(meta);
}

// The rescue takes the place of the database, which goes to `kept` or away.
Result<void> SqliteEdgeStore::take_over(const std::string& kept) {
    if (kept.empty()) {
        remove_database(path_);
    } else {
        remove_database(kept);
        if (auto moved = move_database(path_, kept); !moved) {
            return moved;
        }
    }
    if (auto moved = move_database(rescue_path(path_), path_); !moved) {
        return moved;
    }
    return datadir::sync_folder(directory_);
}

}  // namespace farhold::store
