// SPDX-License-Identifier: Apache-2.0
//
// Structured logging: a constant sentence, lower case, no full stop, then pairs, so that grep finds
// the line and machines find the values. One line each on stderr, `key=value` or JSON.
//
// A Logger is a small value that is passed in, already holding its component and identity; there is
// no global one. Safe from any thread: a line is one write.
//
// Levels by consequence. error: something asked for will not happen, a person should look. warning:
// unexpected and handled, may matter if it repeats. info: a change of state that an operator would
// tell a colleague; at rest none. debug: each decision.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::log {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { text, json };

// The names that --log-format and --log-level take; any other text is a broken invariant, since the
// command line offers only these.
Format parse_format(std::string_view name);
Level parse_level(std::string_view name);

struct Field {
    template <class T>
    Field(std::string_view field_key, const T& field_value)
        : key(field_key), value(fmt::format("{}", field_value)), bare(std::integral<T>) {}
    Field(std::string_view field_key, bool field_value)
        : key(field_key), value(field_value ? "true" : "false"), bare(true) {}

    std::string key;
    std::string value;
    bool bare;  // A number or a boolean: not quoted in JSON.
};

// Where finished lines go; each ends without a newline.
using Write = std::function<void(std::string_view line)>;

// One line as it is written; pure, so that users' scripts can rely on a tested form.
std::string format_line(
    Format format, std::string_view time, Level level, std::string_view sentence,
    const std::vector<Field>& identity, std::initializer_list<Field> fields
);

class Logger {
public:
    // Drops everything; for tests.
    Logger() = default;
    Logger(Format format, Level least, Write write);

    static Logger to_stderr(Format format, Level least);

    // The same logger with more identity in front of each line's pairs.
    [[nodiscard]] Logger with(std::initializer_list<Field> identity) const;

    void debug(std::string_view sentence, std::initializer_list<Field> fields = {}) const {
        write(Level::debug, sentence, fields);
    }
    void info(std::string_view sentence, std::initializer_list<Field> fields = {}) const {
        write(Level::info, sentence, fields);
    }
    void warning(std::string_view sentence, std::initializer_list<Field> fields = {}) const {
        write(Level::warning, sentence, fields);
    }
    void error(std::string_view sentence, std::initializer_list<Field> fields = {}) const {
        write(Level::error, sentence, fields);
    }

private:
    struct Sink {
        Format format;
        Level least;
        Write write;
    };

    void write(Level level, std::string_view sentence, std::initializer_list<Field> fields) const;

    std::shared_ptr<const Sink> sink_;  // Shared by all the loggers made of this one.
    std::vector<Field> identity_;
};

}  // namespace farhold::log
