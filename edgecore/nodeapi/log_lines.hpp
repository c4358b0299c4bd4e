// SPDX-License-Identifier: Apache-2.0
//
// Pure: what the container runtime writes into a log file, "2026-11-23T18:45:51.652607344Z stdout F
// text", and what of it a reader gets. A line that is longer than the runtime's buffer comes in parts
// ("P") up to the last ("F"), and is one line to the reader.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::nodeapi {

// A record that does not end within so much is no record, and is left out.
inline constexpr std::size_t kLogRecordBytesMax = std::size_t{256} << 10U;

struct LogRecord {
    std::string_view time;
    std::string_view stream;
    bool is_whole = true;  // Ends its line.
    std::string_view text;
};
// One line of the file, without its end.
std::optional<LogRecord> parse_log_record(std::string_view line);

struct LogOptions {
    bool follow = false;
    bool previous = false;
    bool timestamps = false;
    std::optional<WallTime> since;
    std::optional<std::uint64_t> tail_lines;
    std::optional<std::uint64_t> bytes_max;
};

// From a log's bytes, in their order and cut anywhere, to what its reader gets.
class LogFormatter {
public:
    explicit LogFormatter(const LogOptions& options)
        : timestamps_(options.timestamps), since_(options.since), left_(options.bytes_max) {}

    void feed(std::string_view bytes, std::string& out);

    // The reader has as many bytes as it wanted.
    [[nodiscard]] bool satisfied() const { return left_ == 0; }

private:
    void take_line(std::string_view line, std::string& out);
    void emit(std::string_view text, std::string& out);

    bool timestamps_;
    std::optional<WallTime> since_;
    std::optional<std::uint64_t> left_;
    std::string unfinished_;  // A record whose end has not come yet.
    bool overlong_ = false;   // It is not one.
    bool within_line_ = false;
};

// Finds where the last lines of a log begin, from its blocks given from the last one to the first.
class TailFinder {
public:
    explicit TailFinder(std::uint64_t lines) : wanted_(lines) {}

    // Whether it is found; no block is needed any more then.
    bool prepend(std::string_view block);
    // There are no more blocks.
    void finish();

    // How many bytes before the log's end.
    [[nodiscard]] std::uint64_t distance() const { return distance_; }

private:
    bool take_line(std::string_view line);

    std::uint64_t wanted_;
    std::uint64_t seen_ = 0;
    std::uint64_t distance_ = 0;
    std::string unfinished_;  // The end of a record that begins in an earlier block.
    bool at_end_ = true;      // No line has been seen whole yet.
    bool found_ = false;
};

}  // namespace farhold::nodeapi
