// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/log_lines.hpp"

#include "common/object/time_text.hpp"
#include "tests/support/catch.hpp"

#include <string>
#include <string_view>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::nodeapi;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::string_view kLog =
    "2026-11-23T18:45:51.000000001Z stdout F one\n"
    "2026-11-23T18:45:52.000000002Z stderr P tw\n"
    "2026-11-23T18:45:52.000000003Z stderr F o\n"
    "2026-11-23T18:45:53.000000004Z stdout F \n"
    "2026-11-23T18:45:54.000000005Z stdout F four\n";

// Fed in pieces of that size.
std::string format(const LogOptions& options, std::string_view log, std::size_t piece) {
    LogFormatter formatter(options);
    std::string out;
    for (; !log.empty(); log.remove_prefix(std::min(piece, log.size()))) {
        formatter.feed(log.substr(0, piece), out);
    }
    return out;
}

// The last lines, found in blocks of that size.
std::string tail(std::string_view log, std::uint64_t lines, std::size_t block) {
    TailFinder finder(lines);
    std::string_view rest = log;
    while (!rest.empty()) {
        const std::size_t count = std::min(block, rest.size());
        if (finder.prepend(rest.substr(rest.size() - count))) break;
        rest.remove_suffix(count);
    }
    finder.finish();
    REQUIRE(finder.distance() <= log.size());
    return format({}, log.substr(log.size() - finder.distance()), log.size() + 1);
}

}  // namespace

TEST_CASE("log_lines: a record is read field by field", "[nodeapi]") {
    const auto record = parse_log_record("2026-11-23T18:45:51Z stderr P:x a b");
    REQUIRE(record);
    CHECK(record->time == "2026-11-23T18:45:51Z");
    CHECK(record->stream == "stderr");
    CHECK_FALSE(record->is_whole);
    CHECK(record->text == "a b");
    for (const char* bad : {"", "x", "time stdout", "time other F text", " stdout F text"}) {
        CHECK_FALSE(parse_log_record(bad));
    }
}

TEST_CASE("log_lines: a reader gets whole lines, wherever the bytes are cut", "[nodeapi]") {
    for (std::size_t piece = 1; piece <= kLog.size(); ++piece) {
        REQUIRE(format({}, kLog, piece) == "one\ntwo\n\nfour\n");
    }
}

TEST_CASE("log_lines: times are told once a line", "[nodeapi]") {
    LogOptions options;
    options.timestamps = true;
    CHECK(
        format(options, kLog, 7) ==
        "2026-11-23T18:45:51.000000001Z one\n"
        "2026-11-23T18:45:52.000000002Z two\n"
        "2026-11-23T18:45:53.000000004Z \n"
        "2026-11-23T18:45:54.000000005Z four\n"
    );
}

TEST_CASE("log_lines: older lines are left out", "[nodeapi]") {
    LogOptions options;
    options.since = object::parse_time("2026-11-23T18:45:53Z").value();
    CHECK(format(options, kLog, 10) == "\nfour\n");
}

TEST_CASE("log_lines: no more bytes than wanted", "[nodeapi]") {
    LogOptions options;
    options.bytes_max = 5;
    LogFormatter formatter(options);
    std::string out;
    formatter.feed(kLog, out);
    CHECK(out == "one\nt");
    CHECK(formatter.satisfied());
}

TEST_CASE("log_lines: what is no record is left out", "[nodeapi]") {
    const std::string overlong(kLogRecordBytesMax + 1, 'x');
    const std::string log = "rubbish\n2026-11-23T18:45:51Z stdout F a\n" + overlong +
                            "\n2026-11-23T18:45:51Z stdout F b\n";
    CHECK(format({}, log, 1000) == "a\nb\n");
}

TEST_CASE("log_lines: the last lines are found, wherever the blocks are cut", "[nodeapi]") {
    const std::string unfinished = std::string(kLog) + "2026-11-23T18:45:55Z stdo";
    for (std::size_t block = 1; block <= kLog.size(); ++block) {
        REQUIRE(tail(kLog, 0, block).empty());
        REQUIRE(tail(kLog, 1, block) == "four\n");
        REQUIRE(tail(kLog, 2, block) == "\nfour\n");
        REQUIRE(tail(kLog, 3, block) == "two\n\nfour\n");
        REQUIRE(tail(kLog, 100, block) == "one\ntwo\n\nfour\n");
        REQUIRE(tail(unfinished, 1, block) == "four\n");
    }
    CHECK(tail("", 5, 10).empty());
}
