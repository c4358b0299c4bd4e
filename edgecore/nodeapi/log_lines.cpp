// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/log_lines.hpp"

#include "common/object/time_text.hpp"

#include <algorithm>
#include <utility>

namespace farhold::nodeapi {

namespace {

// Up to the next space, which is taken too; nothing when there is none.
std::optional<std::string_view> take_field(std::string_view& line) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos || space == 0) {
        return std::nullopt;
    }
    const std::string_view field = line.substr(0, space);
    line.remove_prefix(space + 1);
    return field;
}

}  // namespace

std::optional<LogRecord> parse_log_record(std::string_view line) {
    LogRecord record;
    const auto time = take_field(line);
    const auto stream = time ? take_field(line) : std::nullopt;
    const auto tags = stream ? take_field(line) : std::nullopt;
    if (!tags || (*stream != "stdout" && *stream != "stderr")) {
        return std::nullopt;
    }
    record.time = *time;
    record.stream = *stream;
    record.is_whole = tags->substr(0, tags->find(':')) != "P";
    record.text = line;
    return record;
}

void LogFormatter::feed(std::string_view bytes, std::string& out) {
    while (!bytes.empty() && !satisfied()) {
        const auto end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        overlong_ = overlong_ || unfinished_.size() + part.size() > kLogRecordBytesMax;
        if (end == std::string_view::npos) {
            if (!overlong_) {
                unfinished_ += part;
            }
            return;
        }
        bytes.remove_prefix(end + 1);
        if (std::exchange(overlong_, false)) {
            unfinished_.clear();
        } else if (unfinished_.empty()) {
            take_line(part, out);
        } else {
            unfinished_ += part;
            take_line(std::exchange(unfinished_, {}), out);
        }
    }
}

void LogFormatter::take_line(std::string_view line, std::string& out) {
    const auto record = parse_log_record(line);
    if (!record) {
        return;
    }
    if (since_) {
        const auto time = object::parse_time(record->time);
        if (!time || *time < *since_) {
            return;
        }
    }
    if (timestamps_ && !within_line_) {
        emit(record->time, out);
        emit(" ", out);
    }
    emit(record->text, out);
    if (record->is_whole) {
        emit("\n", out);
    }
    within_line_ = !record->is_whole;
}

void LogFormatter::emit(std::string_view text, std::string& out) {
    if (left_) {
        text = text.substr(0, *left_);
        *left_ -= text.size();
    }
    out += text;
}

bool TailFinder::prepend(std::string_view block) {
    std::string text(block);
    text += unfinished_;
    std::size_t end = text.size();
    if (std::exchange(at_end_, false)) {
        // What the runtime is just writing belongs to the last lines, and is none yet.
        const auto last = text.rfind('\n');
        const std::size_t whole = last == std::string::npos ? 0 : last + 1;
        if (whole == 0) {
            at_end_ = true;
        } else {
            distance_ = end - whole;
            end = whole;
        }
    }
    while (!found_ && end > 0 && !at_end_) {
        const auto before = end < 2 ? std::string::npos : text.rfind('\n', end - 2);
        if (before == std::string::npos) {
            break;
        }
        found_ = !take_line(std::string_view(text).substr(before + 1, end - before - 1));
        end = found_ ? end : before + 1;
    }
    unfinished_ = text.substr(0, end);
    found_ = found_ || unfinished_.size() > kLogRecordBytesMax;
    return found_;
}

void TailFinder::finish() {
    if (!found_ && at_end_) {
        distance_ += unfinished_.size();
    } else if (!found_ && !unfinished_.empty()) {
        take_line(unfinished_);
    }
    found_ = true;
}

// False: it ends a line that is not wanted any more.
bool TailFinder::take_line(std::string_view line) {
    const auto record = parse_log_record(line.substr(0, line.size() - 1));
    if (record && record->is_whole) {
        if (seen_ == wanted_) {
            return false;
        }
        ++seen_;
    }
    distance_ += line.size();
    return true;
}

}  // namespace farhold::nodeapi
