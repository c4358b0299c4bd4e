// SPDX-License-Identifier: Apache-2.0
//
// Pure: times as Kubernetes writes them. Whole seconds in most fields, six digits in a MicroTime,
// both in UTC; reading accepts any RFC 3339 text.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"

#include <string>
#include <string_view>

namespace farhold::object {

// "2026-01-02T15:04:05Z"
std::string format_time(WallTime time);
// "2026-01-02T15:04:05.000000Z"
std::string format_micro_time(WallTime time);
Result<WallTime> parse_time(std::string_view text);

// Ages as kubectl prints them: "45s", "5m2s", "3h4m", "26h", "12d", "2y30d".
std::string human_duration(Duration duration);
// Age since an RFC 3339 text; "<unknown>" when there is none or it cannot be read.
std::string human_age(std::string_view since, WallTime now);

}  // namespace farhold::object
