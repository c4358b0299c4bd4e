// SPDX-License-Identifier: Apache-2.0
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>

namespace farhold::object {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string format_seconds(std::chrono::sys_seconds time) {
    const auto day = floor<days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        clock.hours().count(), clock.minutes().count(), clock.seconds().count()
    );
}

// Takes pieces of a fixed form off the front of a text.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::optional<int> digits(std::size_t count) {
        int value = 0;
        if (text_.size() < count) {
            return std::nullopt;
        }
        for (const char c : text_.substr(0, count)) {
            if (c < '0' || c > '9') {
                return std::nullopt;
            }
            value = value * 10 + (c - '0');
        }
        text_.remove_prefix(count);
        return value;
    }

    bool accept(std::string_view choices) {
        if (text_.empty() || choices.find(text_.front()) == std::string_view::npos) {
            return false;
        }
        last_ = text_.front();
        text_.remove_prefix(1);
        return true;
    }

    char last() const { return last_; }
    bool at_end() const { return text_.empty(); }

private:
    std::string_view text_;
    char last_ = 0;
};

// Beyond these years nanoseconds since 1970 no longer fit.
constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;

std::optional<WallTime> scan_date_and_clock(Scanner& scanner) {
    const auto year = scanner.digits(4);
    const bool first_dash = scanner.accept("-");
    const auto month = scanner.digits(2);
    const bool second_dash = scanner.accept("-");
    const auto day = scanner.digits(2);
    const bool letter = scanner.accept("Tt ");
    const auto hour = scanner.digits(2);
    const bool first_colon = scanner.accept(":");
    const auto minute = scanner.digits(2);
    const bool second_colon = scanner.accept(":");
    const auto second = scanner.digits(2);
    if (!year || !first_dash || !month || !second_dash || !day || !letter || !hour ||
        !first_colon || !minute || !second_colon || !second) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{
        std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
        std::chrono::day(static_cast<unsigned>(*day))
    };
    if (!date.ok() || *year < kFirstYear || *year > kLastYear || *hour > 23 || *minute > 59 ||
        *second > 60) {
        return std::nullopt;
    }
    return WallTime(std::chrono::sys_days(date)) + hours(*hour) + minutes(*minute) +
           seconds(*second);
}

std::optional<Duration> scan_fraction(Scanner& scanner) {
    if (!scanner.accept(".,")) {
        return Duration(0);
    }
    std::int64_t unit = 100'000'000;
    Duration fraction(0);
    bool any = false;
    while (const auto digit = scanner.digits(1)) {
        any = true;
        fraction += Duration(*digit * unit);
        unit /= 10;
    }
    return any ? std::optional(fraction) : std::nullopt;
}

std::optional<Duration> scan_offset(Scanner& scanner) {
    if (scanner.accept("Zz")) {
        return Duration(0);
    }
    if (!scanner.accept("+-")) {
        return std::nullopt;
    }
    const int sign = scanner.last() == '-' ? -1 : 1;
    const auto hour = scanner.digits(2);
    const bool colon = scanner.accept(":");
    const auto minute = scanner.digits(2);
    if (!hour || !colon || !minute || *hour > 23 || *minute > 59) {
        return std::nullopt;
    }
    return sign * (hours(*hour) + minutes(*minute));
}

}  // namespace

std::string format_time(WallTime time) {
    return format_seconds(floor<seconds>(time)) + "Z";
}

std::string format_micro_time(WallTime time) {
    const auto whole = floor<seconds>(time);
    const auto fraction = floor<microseconds>(time - whole);
    return fmt::format("{}.{:06}Z", format_seconds(whole), fraction.count());
}

Result<WallTime> parse_time(std::string_view text) {
    Scanner scanner(text);
    const auto time = scan_date_and_clock(scanner);
    const auto fraction = time ? scan_fraction(scanner) : std::nullopt;
    const auto offset = fraction ? scan_offset(scanner) : std::nullopt;
    if (!offset || !scanner.at_end()) {
        return fail(
            ErrorCode::invalid_argument, fmt::format("\"{}\" is not an RFC 3339 time", text)
        );
    }
    const WallTime utc = *time + *fraction - *offset;
    // An offset may lead out of them.
    const std::chrono::year_month_day date(floor<std::chrono::days>(utc));
    if (date.year() < std::chrono::year(kFirstYear) || date.year() > std::chrono::year(kLastYear)) {
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is too far from now", text));
    }
    return utc;
}

// The steps of k8s.io/apimachinery/pkg/util/duration.HumanDuration: two units while the smaller
// one still says something, one afterwards.
std::string human_duration(Duration duration) {
    const auto whole = std::chrono::duration_cast<seconds>(duration).count();
    if (whole < -1) {
        return "<invalid>";
    }
    if (whole < 0) {
        return "0s";
    }
    if (whole < 60 * 2) {
        return fmt::format("{}s", whole);
    }
    const auto in_minutes = whole / 60;
    const auto in_hours = whole / 3600;
    const auto in_days = in_hours / 24;
    const auto two = [](std::int64_t large, char large_unit, std::int64_t small, char small_unit) {
        return small == 0 ? fmt::format("{}{}", large, large_unit)
                          : fmt::format("{}{}{}{}", large, large_unit, small, small_unit);
    };
    if (in_minutes < 10) {
        return two(in_minutes, 'm', whole % 60, 's');
    }
    if (in_minutes < 60 * 3) {
        return fmt::format("{}m", in_minutes);
    }
    if (in_hours < 8) {
        return two(in_hours, 'h', in_minutes % 60, 'm');
    }
    if (in_hours < 48) {
        return fmt::format("{}h", in_hours);
    }
    if (in_hours < 24 * 8) {
        return two(in_days, 'd', in_hours % 24, 'h');
    }
    if (in_days < 365 * 2) {
        return fmt::format("{}d", in_days);
    }
    if (in_days < 365 * 8) {
        return two(in_days / 365, 'y', in_days % 365, 'd');
    }
    return fmt::format("{}y", in_days / 365);
}

std::string human_age(std::string_view since, WallTime now) {
    const auto start = parse_time(since);
    return start ? human_duration(now - *start) : "<unknown>";
}

}  // namespace farhold::object
