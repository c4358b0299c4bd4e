// SPDX-License-Identifier: Apache-2.0
#include "common/log/log.hpp"

#include "common/base/ensure.hpp"
#include "common/base/utf8.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace farhold::log {

namespace {

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};

void append_ascii(std::string& line, char c) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
        case '"':
            line += "\\\"";
            break;
        case '\\':
            line += "\\\\";
            break;
        case '\n':
            line += "\\n";
            break;
        case '\t':
            line += "\\t";
            break;
        case '\r':
            line += "\\r";
            break;
        default:
            if (byte < 0x20 || byte == 0x7f) {
                line += fmt::format("\\u{:04x}", byte);
            } else {
                line.push_back(c);
            }
    }
}

// U+0080 to U+009F, which terminals may obey as they do an escape.
bool is_control(std::string_view character) {
    return character.size() == 2 && character[0] == '\xc2' &&
           static_cast<unsigned char>(character[1]) < 0xa0;
}

// Text from outside must not move a terminal's cursor, forge a line or make the log unreadable.
void append_quoted(std::string& line, std::string_view text) {
    line.push_back('"');
    while (!text.empty()) {
        const std::string_view character = text.substr(0, utf8_length(text));
        if (character.empty()) {
            line += "\\ufffd";
        } else if (character.size() == 1) {
            append_ascii(line, character.front());
        } else if (is_control(character)) {
            line += fmt::format("\\u{:04x}", static_cast<unsigned char>(character[1]));
        } else {
            line += character;
        }
        text.remove_prefix(std::max<std::size_t>(character.size(), 1));
    }
    line.push_back('"');
}

bool needs_quotes(std::string_view text) {
    return text.empty() || !std::ranges::all_of(text, [](char c) {
               return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
           });
}

void append_field(std::string& line, Format format, const Field& field) {
    if (format == Format::json) {
        line.push_back(',');
        append_quoted(line, field.key);
        line.push_back(':');
        if (field.bare) {
            line += field.value;
        } else {
            append_quoted(line, field.value);
        }
        return;
    }
    line += fmt::format(" {}=", field.key);
    if (needs_quotes(field.value)) {
        append_quoted(line, field.value);
    } else {
        line += field.value;
    }
}

std::string utc_now() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::tm parts{};
    ::gmtime_r(&now.tv_sec, &parts);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
        parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1'000'000
    );
}

void write_stderr(std::string_view line) {
    std::string whole(line);
    whole.push_back('\n');
    // One write call, so that lines of several threads and processes do not mix. A log that cannot
    // be written is no reason to stop.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, whole.data(), whole.size());
}

}  // namespace

Format parse_format(std::string_view name) {
    ensure(name == "text" || name == "json", "a log format that the command line does not offer");
    return name == "json" ? Format::json : Format::text;
}

Level parse_level(std::string_view name) {
    const auto* const found = std::ranges::find(kLevels, name);
    ensure(found != kLevels.end(), "a log level that the command line does not offer");
    return static_cast<Level>(found - kLevels.begin());
}

std::string format_line(
    Format format, std::string_view time, Level level, std::string_view sentence,
    const std::vector<Field>& identity, std::initializer_list<Field> fields
) {
    std::string line;
    const std::string_view name = kLevels[static_cast<std::size_t>(level)];
    if (format == Format::json) {
        line = fmt::format(R"({{"time":"{}","level":"{}","msg":)", time, name);
        append_quoted(line, sentence);
    } else {
        line = fmt::format("time={} level={} msg=", time, name);
        append_quoted(line, sentence);
    }
    for (const Field& field : identity) append_field(line, format, field);
    for (const Field& field : fields) append_field(line, format, field);
    if (format == Format::json) line.push_back('}');
    return line;
}

Logger::Logger(Format format, Level least, Write write)
    : sink_(std::make_shared<const Sink>(Sink{format, least, std::move(write)})) {}

Logger Logger::to_stderr(Format format, Level least) {
    return {format, least, write_stderr};
}

Logger Logger::with(std::initializer_list<Field> identity) const {
    Logger more = *this;
    more.identity_.insert(more.identity_.end(), identity.begin(), identity.end());
    return more;
}

void Logger::write(Level level, std::string_view sentence, std::initializer_list<Field> fields)
    const {
    if (!sink_ || level < sink_->least) return;
    sink_->write(format_line(sink_->format, utc_now(), level, sentence, identity_, fields));
}

}  // namespace farhold::log
