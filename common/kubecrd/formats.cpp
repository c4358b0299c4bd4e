// SPDX-License-Identifier: Apache-2.0
#include "common/kubecrd/formats.hpp"

#include "common/base/encoding.hpp"
#include "common/kubecrd/pattern.hpp"
#include "common/object/names.hpp"
#include "common/object/time_text.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace farhold::kubecrd {
namespace {

using TextCheck = bool (*)(std::string_view);

bool matches(std::string_view text, const Pattern& pattern) {
    return pattern.matches(text);
}

bool is_date(std::string_view text) {
    static const Pattern pattern = Pattern::compile("^[0-9]{4}-[0-9]{2}-[0-9]{2}$").value();
    return matches(text, pattern) &&
           object::parse_time(std::string(text) + "T00:00:00Z").has_value();
}

bool is_date_time(std::string_view text) {
    return object::parse_time(text).has_value();
}

bool is_byte(std::string_view text) {
    return base64_decode(text).has_value();
}

bool is_ip(std::string_view text) {
    return !object::check_ip(text);
}

bool is_ipv4(std::string_view text) {
    return is_ip(text) && text.find(':') == std::string_view::npos;
}

bool is_ipv6(std::string_view text) {
    return is_ip(text) && text.find(':') != std::string_view::npos;
}

bool is_cidr(std::string_view text) {
    return !object::check_cidr(text);
}

bool is_uuid(std::string_view text) {
    static const Pattern pattern =
        Pattern::compile("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$")
            .value();
    return matches(text, pattern);
}

bool is_mac(std::string_view text) {
    static const Pattern pattern =
        Pattern::compile("(?i)^([0-9a-f]{2}[:-]){5}([0-9a-f]{2}[:-]){0,2}[0-9a-f]{2}$").value();
    return matches(text, pattern);
}

bool is_hostname(std::string_view text) {
    static const Pattern pattern =
        Pattern::compile(
            "(?i)^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}"
            "[a-z0-9])?)*\\.?$"
        )
            .value();
    return text.size() <= 253 && matches(text, pattern);
}

bool is_email(std::string_view text) {
    static const Pattern pattern =
        Pattern::compile("^[^@<>\\s]+@[^@<>\\s]+$|<[^@<>\\s]+@[^@<>\\s]+>$").value();
    return matches(text, pattern);
}

bool is_uri(std::string_view text) {
    static const Pattern pattern =
        Pattern::compile("^([A-Za-z][-+.A-Za-z0-9]*:|/)[^\\s]*$").value();
    return matches(text, pattern);
}

bool is_duration(std::string_view text) {
    static const Pattern pattern =
        Pattern::compile(
            "^[-+]?(0|(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+|"
            "[0-9]+ ?(ns|us|ms|s|sec|m|min|h|hr|hour|d|day|w|wk|week)s?)$"
        )
            .value();
    return matches(text, pattern);
}

constexpr std::array<std::pair<std::string_view, TextCheck>, 14> kTextFormats = {{
    {"byte", is_byte},
    {"cidr", is_cidr},
    {"date", is_date},
    {"date-time", is_date_time},
    {"datetime", is_date_time},
    {"duration", is_duration},
    {"email", is_email},
    {"hostname", is_hostname},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"mac", is_mac},
    {"uri", is_uri},
    {"uuid", is_uuid},
    {"uuid4", is_uuid},
}};

}  // namespace

bool fits_format(const json::Value& value, std::string_view format) {
    if (format.empty()) {
        return true;
    }
    if (value.is_number()) {
        const auto integer = value.integer();
        if (format == "int32") {
            return integer && *integer >= std::numeric_limits<std::int32_t>::min() &&
                   *integer <= std::numeric_limits<std::int32_t>::max();
        }
        return true;
    }
    const auto text = value.string();
    for (const auto& [name, check] : kTextFormats) {
        if (text && name == format) {
            return check(*text);
        }
    }
    return true;
}

}  // namespace farhold::kubecrd
