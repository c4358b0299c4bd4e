// SPDX-License-Identifier: Apache-2.0
#include "common/object/time_text.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;
using namespace farhold::object;
using namespace std::chrono_literals;

TEST_CASE("time: texts round trip and any RFC 3339 form is read", "[object]") {
    const WallTime time = std::chrono::sys_days(2026y / 1 / 2) + 15h + 4min + 5s + 123456us;
    CHECK(format_time(time) == "2026-01-02T15:04:05Z");
    CHECK(format_micro_time(time) == "2026-01-02T15:04:05.123456Z");
    CHECK(format_micro_time(WallTime(-1us)) == "1969-12-31T23:59:59.999999Z");
    CHECK(parse_time("2026-01-02T15:04:05.123456Z") == time);
    CHECK(parse_time("2026-01-02T16:34:05.123456+01:30") == time);
    CHECK(parse_time("2026-01-02t10:04:05.123456-05:00") == time);
    CHECK(parse_time("1970-01-01T00:00:00Z") == WallTime());
    CHECK(parse_time("1678-01-01T00:00:00Z"));
    CHECK_FALSE(parse_time("1678-01-01T00:00:00+23:59"));
    CHECK(parse_time("2026-01-02T15:04:05.1234560009999Z") == time);
}

TEST_CASE("time: what is no time is refused", "[object]") {
    for (const char* text :
         {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-02T24:00:00Z",
          "2026-01-02T15:04:05", "2026-01-02T15:04:05.Z", "2026-01-02T15:04:05Zx",
          "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "2026-01-02T15:04:05+1:00"}) {
        CHECK_FALSE(parse_time(text));
    }
}

TEST_CASE("time: ages are kubectl's", "[object]") {
    for (const auto& [age, text] : std::vector<std::pair<Duration, std::string>>{
             {0s, "0s"},
             {-1s, "0s"},
             {-5s, "<invalid>"},
             {119s, "119s"},
             {120s, "2m"},
             {302s, "5m2s"},
             {10min + 5s, "10m"},
             {179min, "179m"},
             {3h, "3h"},
             {3h + 4min, "3h4m"},
             {9h + 4min, "9h"},
             {47h, "47h"},
             {49h, "2d1h"},
             {8 * 24h + 3h, "8d"},
             {365 * 24h, "365d"},
             {760 * 24h, "2y30d"},
             {3000 * 24h, "8y"},
         }) {
        CHECK(human_duration(age) == text);
    }
    CHECK(human_age("1970-01-01T00:00:00Z", WallTime(90s)) == "90s");
    CHECK(human_age("", WallTime(90s)) == "<unknown>");
}
