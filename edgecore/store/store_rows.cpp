// SPDX-License-Identifier: Apache-2.0
//
// The tables. Each row carries the first 8 bytes of a SHA-256 over its other columns.
//   desired  what the hub wants here; key in its text form, "Pod/default/hello"
//   outbox   durable reports that the hub has not acknowledged; one a key
//   memory   what a pod's life cycle must not forget, by pod uid
//   meta     store_uuid, generation, boot_id, seq_high, trusted_time, reports_lost, complete,
//            open
#include "edgecore/store/store_rows.hpp"

#include "common/base/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <utility>

namespace farhold::store {
namespace {

constexpr std::array<std::string_view, 1> kSchema = {
    "CREATE TABLE desired (key TEXT PRIMARY KEY, uid TEXT NOT NULL, resource_version TEXT NOT NULL,"
    " hash BLOB NOT NULL, encoding INTEGER NOT NULL, content TEXT NOT NULL,"
    " checksum BLOB NOT NULL) STRICT;"
    "CREATE TABLE outbox (key TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, uid TEXT NOT NULL,"
    " body TEXT NOT NULL, checksum BLOB NOT NULL) STRICT;"
    "CREATE TABLE memory (pod_uid TEXT PRIMARY KEY, text TEXT NOT NULL, checksum BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum BLOB NOT NULL) STRICT"
};

std::string checksum_of(std::initializer_list<std::string_view> columns) {
    return sha256_of(columns).substr(0, 8);
}

std::string checksum_of(const DesiredRow& row, std::string_view key) {
    return checksum_of(
        {key, row.uid, row.resource_version, row.hash, fmt::to_string(row.encoding), *row.content}
    );
}

std::string checksum_of(const ReportRow& row) {
    return checksum_of({row.key, fmt::to_string(row.seq), row.uid, row.body});
}

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// Whether the row was what its checksum says; good rows have been taken over by then.
using TakeRow = std::function<bool(const sqlite::Statement& row)>;

// False when the table could not be read to its end. Damaged rows are counted.
bool read_rows_of(
    sqlite::Database& database, const std::string& query, const TakeRow& take, LoadReport& report,
    std::size_t& damaged
) {
    auto statement = database.prepare(query);
    if (!statement) {
        report.findings.push_back(statement.error().message());
        return false;
    }
    while (true) {
        const Result<bool> more = statement->step();
        if (!more) {
            report.findings.push_back(more.error().message());
            return false;
        }
        if (!*more) {
            return true;
        }
        if (!take(*statement)) {
            report.findings.push_back(
                fmt::format("damaged row '{}' in {}", statement->text(0), query)
            );
            ++damaged;
        }
    }
}

// The number of damaged rows. Of a table that is torn the part behind the tear is read from the end;
// what lies in it counts as one row.
std::size_t read_table(
    sqlite::Database& database, const std::string& query, const TakeRow& take, LoadReport& report
) {
    std::size_t damaged = 0;
    if (!read_rows_of(database, query, take, report, damaged)) {
        ++damaged;
        read_rows_of(database, query + " ORDER BY rowid DESC", take, report, damaged);
    }
    return damaged;
}

bool take_desired(const sqlite::Statement& columns, std::vector<DesiredRow>& rows) {
    const std::string_view text = columns.text(0);
    DesiredRow row;
    row.uid = columns.text(1);
    row.resource_version = columns.text(2);
    row.hash = columns.blob(3);
    row.encoding = static_cast<std::uint32_t>(columns.integer(4));
    row.content = std::make_shared<const std::string>(columns.text(5));
    auto key = object::ObjectKey::parse(text);
    if (!key || checksum_of(row, text) != columns.blob(6)) {
        return false;
    }
    row.key = std::move(*key);
    rows.push_back(std::move(row));
    return true;
}

bool take_report(const sqlite::Statement& columns, std::vector<ReportRow>& rows) {
    ReportRow row;
    row.key = columns.text(0);
    row.seq = static_cast<std::uint64_t>(columns.integer(1));
    row.uid = columns.text(2);
    row.body = columns.text(3);
    if (checksum_of(row) != columns.blob(4)) {
        return false;
    }
    rows.push_back(std::move(row));
    return true;
}

bool take_memory(const sqlite::Statement& columns, std::vector<MemoryRow>& rows) {
    MemoryRow row;
    row.pod_uid = columns.text(0);
    row.text = columns.text(1);
    if (checksum_of({row.pod_uid, row.text}) != columns.blob(2)) {
        return false;
    }
    rows.push_back(std::move(row));
    return true;
}

StoreMeta meta_of(const std::map<std::string, std::string>& values) {
    const auto value = [&values](const char* name) {
        const auto found = values.find(name);
        return found == values.end() ? std::string() : found->second;
    };
    StoreMeta meta;
    meta.store_uuid = value("store_uuid");
    meta.generation = number_of(value("generation"));
    meta.boot_id = value("boot_id");
    meta.seq_high = number_of(value("seq_high"));
    meta.trusted_time =
        WallTime(Duration(static_cast<Duration::rep>(number_of(value("trusted_time")))));
    meta.reports_lost = number_of(value("reports_lost"));
    meta.complete = value("complete") == "true";
    meta.open = value("open") == "true";
    return meta;
}

template <class Row, class Key>
void keep_one(std::vector<Row>& rows, Key Row::* key) {
    std::ranges::sort(rows, {}, key);
    const auto twice = std::ranges::unique(rows, {}, key);
    rows.erase(twice.begin(), twice.end());
}

}  // namespace

StoreContents read_rows(sqlite::Database& database) {
    StoreContents contents;
    LoadReport& report = contents.report;
    if (const auto sound = database.check_integrity(); !sound) {
        report.findings.push_back(sound.error().message());
    }
    std::map<std::string, std::string> meta;
    read_table(
        database, "SELECT name, value, checksum FROM meta",
        [&meta](const sqlite::Statement& row) {
            const bool good = checksum_of({row.text(0), row.text(1)}) == row.blob(2);
            if (good) {
                meta.emplace(row.text(0), row.text(1));
            }
            return good;
        },
        report
    );
    report.damaged_desired = read_table(
        database,
        "SELECT key, uid, resource_version, hash, encoding, content, checksum FROM desired",
        [&contents](const sqlite::Statement& row) { return take_desired(row, contents.desired); },
        report
    );
    report.damaged_reports = read_table(
        database, "SELECT key, seq, uid, body, checksum FROM outbox",
        [&contents](const sqlite::Statement& row) { return take_report(row, contents.reports); },
        report
    );
    report.damaged_memory = read_table(
        database, "SELECT pod_uid, text, checksum FROM memory",
        [&contents](const sqlite::Statement& row) { return take_memory(row, contents.memory); },
        report
    );
    // What was read from both ends stands there twice.
    keep_one(contents.desired, &DesiredRow::key);
    keep_one(contents.memory, &MemoryRow::pod_uid);
    keep_one(contents.reports, &ReportRow::seq);
    contents.meta = meta_of(meta);
    // Damage that cannot be placed may have swallowed a row, too.
    contents.meta.complete = contents.meta.complete && report.findings.empty();
    for (const ReportRow& row : contents.reports) {
        contents.meta.seq_high = std::max(contents.meta.seq_high, row.seq);
    }
    contents.meta.seq_at_start = contents.meta.seq_high;
    contents.meta.reports_lost += report.damaged_reports;
    return contents;
}

struct StoreWriter::Statements {
    sqlite::Statement put_desired;
    sqlite::Statement remove_desired;
    sqlite::Statement put_report;
    sqlite::Statement remove_report;
    sqlite::Statement put_memory;
    sqlite::Statement remove_memory;
    sqlite::Statement put_meta;
};

StoreWriter::StoreWriter(sqlite::Database database) : database_(std::move(database)) {}

StoreWriter::~StoreWriter() = default;

Result<std::unique_ptr<StoreWriter>> StoreWriter::open(const std::string& path) {
    auto database = sqlite::Database::open(path);
    if (!database) {
        return fail(database.error());
    }
    if (const auto migrated = database->migrate(kSchema); !migrated) {
        return fail(migrated.error());
    }
    std::unique_ptr<StoreWriter> writer(new StoreWriter(std::move(*database)));
    if (const auto prepared = writer->prepare(); !prepared) {
        return fail(prepared.error());
    }
    return writer;
}

Result<void> StoreWriter::prepare() {
    constexpr std::array<std::string_view, 7> texts = {
        "INSERT OR REPLACE INTO desired VALUES (?, ?, ?, ?, ?, ?, ?)",
        "DELETE FROM desired WHERE key = ?",
        "INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, ?)",
        "DELETE FROM outbox WHERE seq = ?",
        "INSERT OR REPLACE INTO memory VALUES (?, ?, ?)",
        "DELETE FROM memory WHERE pod_uid = ?",
        "INSERT OR REPLACE INTO meta VALUES (?, ?, ?)",
    };
    std::vector<sqlite::Statement> ready;
    for (const std::string_view text : texts) {
        auto statement = database_.prepare(text);
        if (!statement) {
            return fail(statement.error());
        }
        ready.push_back(std::move(*statement));
    }
    statements_.reset(new Statements{
        std::move(ready[0]), std::move(ready[1]), std::move(ready[2]), std::move(ready[3]),
        std::move(ready[4]), std::move(ready[5]), std::move(ready[6])
    });
    return {};
}

Result<void> StoreWriter::put_meta(std::string_view name, std::string_view value) {
    const std::string checksum = checksum_of({name, value});
    return statements_->put_meta.bind(1, name).bind(2, value).bind_blob(3, checksum).run();
}

Result<void> StoreWriter::put_desired(const DesiredRow& row) {
    const std::string key = row.key.text();
    const std::string checksum = checksum_of(row, key);
    return statements_->put_desired.bind(1, key)
        .bind(2, row.uid)
        .bind(3, row.resource_version)
        .bind_blob(4, row.hash)
        .bind(5, static_cast<std::int64_t>(row.encoding))
        .bind(6, *row.content)
        .bind_blob(7, checksum)
        .run();
}

Result<void> StoreWriter::put_report(const ReportRow& row) {
    const std::string checksum = checksum_of(row);
    return statements_->put_report.bind(1, row.key)
        .bind(2, static_cast<std::int64_t>(row.seq))
        .bind(3, row.uid)
        .bind(4, row.body)
        .bind_blob(5, checksum)
        .run();
}

Result<void> StoreWriter::put_memory(const MemoryRow& row) {
    const std::string checksum = checksum_of({row.pod_uid, row.text});
    return statements_->put_memory.bind(1, row.pod_uid)
        .bind(2, row.text)
        .bind_blob(3, checksum)
        .run();
}

Result<void> StoreWriter::put_all_meta(const StoreMeta& meta) {
    const std::array<std::pair<std::string_view, std::string>, 8> values = {{
        {"store_uuid", meta.store_uuid},
        {"generation", fmt::to_string(meta.generation)},
        {"boot_id", meta.boot_id},
        {"seq_high", fmt::to_string(meta.seq_high)},
        {"trusted_time", fmt::to_string(meta.trusted_time.time_since_epoch().count())},
        {"reports_lost", fmt::to_string(meta.reports_lost)},
        {"complete", meta.complete ? "true" : "false"},
        {"open", meta.open ? "true" : "false"},
    }};
    for (const auto& [name, value] : values) {
        if (auto put = put_meta(name, value); !put) {
            return put;
        }
    }
    return {};
}

Result<void> StoreWriter::write_batch(const StoreBatch& batch) {
    Result<void> done;
    // One step after the other, until one fails.
    const auto each = [&done](const auto& rows, auto write_row) {
        for (auto row = rows.begin(); done && row != rows.end(); ++row) {
            done = write_row(*row);
        }
    };
    each(batch.removals, [this](const object::ObjectKey& key) {
        return statements_->remove_desired.bind(1, key.text()).run();
    });
    each(batch.upserts, [this](const DesiredRow& row) { return put_desired(row); });
    each(batch.reports, [this](const ReportRow& row) { return put_report(row); });
    std::uint64_t seq_high = batch.seq_high.value_or(0);
    for (const ReportRow& row : batch.reports) {
        seq_high = std::max(seq_high, row.seq);
    }
    if (done && seq_high > 0) {
        done = put_meta("seq_high", fmt::to_string(seq_high));
    }
    each(batch.acknowledged, [this](std::uint64_t seq) {
        return statements_->remove_report.bind(1, static_cast<std::int64_t>(seq)).run();
    });
    each(batch.memory, [this](const MemoryRow& row) { return put_memory(row); });
    each(batch.forgotten, [this](const std::string& pod_uid) {
        return statements_->remove_memory.bind(1, pod_uid).run();
    });
    if (done && batch.trusted_time) {
        const auto time = batch.trusted_time->time_since_epoch().count();
        done = put_meta("trusted_time", fmt::to_string(time));
    }
    if (done && batch.complete) {
        done = put_meta("complete", "true");
    }
    return done;
}

Result<void> StoreWriter::write(std::span<const StoreBatch> batches) {
    auto transaction = sqlite::Transaction::begin(database_);
    if (!transaction) {
        return fail(transaction.error());
    }
    for (const StoreBatch& batch : batches) {
        if (auto written = write_batch(batch); !written) {
            return written;
        }
    }
    return transaction->commit();
}

Result<void> StoreWriter::mark_open(bool open) {
    return put_meta("open", open ? "true" : "false");
}

Result<void> StoreWriter::write_contents(const StoreContents& contents, const StoreMeta& meta) {
    StoreBatch batch;
    batch.upserts = contents.desired;
    batch.reports = contents.reports;
    batch.memory = contents.memory;
    auto written = write(std::span(&batch, 1));
    return written ? write_meta(meta) : written;
}

Result<void> StoreWriter::write_meta(const StoreMeta& meta) {
    auto transaction = sqlite::Transaction::begin(database_);
    if (!transaction) {
        return fail(transaction.error());
    }
    auto written = put_all_meta(meta);
    return written ? transaction->commit() : written;
}

}  // namespace farhold::store
