// SPDX-License-Identifier: Apache-2.0
//
// Sentences and limits of k8s.io/apimachinery/pkg/util/validation.
#include "common/object/names.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace farhold::object {
namespace {

constexpr std::size_t kLabelLength = 63;
constexpr std::size_t kSubdomainLength = 253;

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower_alnum(char c) {
    return is_lower(c) || is_digit(c);
}
bool is_alnum(char c) {
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

// [a-z0-9]([-a-z0-9]*[a-z0-9])?
bool is_dns1123(std::string_view text) {
    return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
           std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

// The same of elements with dots between them.
bool is_dotted_dns1123(std::string_view text) {
    while (true) {
        const auto dot = text.find('.');
        if (!is_dns1123(text.substr(0, dot))) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(dot + 1);
    }
}

// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
bool is_qualified_part(std::string_view text) {
    return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
           std::ranges::all_of(text, [](char c) {
               return is_alnum(c) || c == '-' || c == '_' || c == '.';
           });
}

std::string too_long(std::size_t limit) {
    return fmt::format("must be no more than {} characters", limit);
}

std::string too_many_bytes(std::size_t limit) {
    return fmt::format("must be no more than {} bytes", limit);
}

// Upstream puts several complaints about one text into a list; the first one tells enough.
std::string subdomain_sentence() {
    return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
           "'-' or '.', and must start and end with an alphanumeric character (e.g. "
           "'example.com', regex used for validation is "
           R"('[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'))";
}

}  // namespace

Complaint check_dns1123_label(std::string_view text) {
    if (text.size() > kLabelLength) {
        return too_many_bytes(kLabelLength);
    }
    if (!is_dns1123(text) && is_dotted_dns1123(text)) {
        return "must not contain dots";
    }
    if (!is_dns1123(text)) {
        return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or "
               "'-', and must start and end with an alphanumeric character (e.g. 'my-name',  or "
               "'123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    }
    return std::nullopt;
}

Complaint check_dns1123_subdomain(std::string_view text) {
    if (text.size() > kSubdomainLength) {
        return too_long(kSubdomainLength);
    }
    return is_dotted_dns1123(text) ? std::nullopt : Complaint(subdomain_sentence());
}

Complaint check_dns1035_label(std::string_view text) {
    if (text.size() > kLabelLength) {
        return too_many_bytes(kLabelLength);
    }
    if (!is_dns1123(text) || !is_lower(text.front())) {
        return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start "
               "with an alphabetic character, and end with an alphanumeric character (e.g. "
               "'my-name',  or 'abc-123', regex used for validation is "
               "'[a-z]([-a-z0-9]*[a-z0-9])?')";
    }
    return std::nullopt;
}

Complaint check_path_segment(std::string_view text) {
    if (text == "." || text == "..") {
        return fmt::format("may not be '{}'", text);
    }
    for (const char c : {'/', '%'}) {
        if (text.find(c) != std::string_view::npos) {
            return fmt::format("may not contain '{}'", c);
        }
    }
    return std::nullopt;
}

Complaint check_qualified_name(std::string_view text) {
    constexpr std::string_view kSentence =
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
        "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
        "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    std::string_view part = text;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
        const std::string_view prefix = text.substr(0, slash);
        part = text.substr(slash + 1);
        if (part.find('/') != std::string_view::npos) {
            return fmt::format(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. "
                "'example.com/MyName')",
                kSentence
            );
        }
        if (prefix.empty()) {
            return "prefix part must be non-empty";
        }
        if (const auto complaint = check_dns1123_subdomain(prefix)) {
            return "prefix part " + *complaint;
        }
    }
    if (part.empty()) {
        return "name part must be non-empty";
    }
    if (part.size() > kLabelLength) {
        return "name part " + too_many_bytes(kLabelLength);
    }
    return is_qualified_part(part) ? std::nullopt
                                   : Complaint("name part " + std::string(kSentence));
}

Complaint check_label_value(std::string_view text) {
    if (text.size() > kLabelLength) {
        return too_many_bytes(kLabelLength);
    }
    if (!text.empty() && !is_qualified_part(text)) {
        return "a valid label must be an empty string or consist of alphanumeric characters, '-', "
               "'_' or '.', and must start and end with an alphanumeric character (e.g. "
               "'MyValue',  or 'my_value',  or '12345', regex used for validation is "
               "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    }
    return std::nullopt;
}

Complaint check_config_key(std::string_view text) {
    if (text.size() > kSubdomainLength) {
        return too_long(kSubdomainLength);
    }
    if (text.empty() || !std::ranges::all_of(text, [](char c) {
            return is_alnum(c) || c == '-' || c == '_' || c == '.';
        })) {
        return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
               "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
               "'[-._a-zA-Z0-9]+')";
    }
    if (text == "." || text == "..") {
        return fmt::format("must not be '{}'", text);
    }
    if (text.starts_with("..")) {
        return "must not start with '..'";
    }
    return std::nullopt;
}

Complaint check_env_name(std::string_view text) {
    const auto allowed = [](char c) { return c >= ' ' && c <= '~' && c != '='; };
    if (text.empty() || !std::ranges::all_of(text, allowed)) {
        return "a valid environment variable name must consist only of printable ASCII characters "
               "other than '='";
    }
    return std::nullopt;
}

Complaint check_port_name(std::string_view text) {
    constexpr std::size_t kLength = 15;
    if (text.size() > kLength) {
        return too_long(kLength);
    }
    if (!std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; })) {
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
    }
    if (!std::ranges::any_of(text, is_lower)) {
        return "must contain at least one letter (a-z)";
    }
    if (text.find("--") != std::string_view::npos) {
        return "must not contain consecutive hyphens";
    }
    if (text.front() == '-' || text.back() == '-') {
        return "must not begin or end with a hyphen";
    }
    return std::nullopt;
}

Complaint check_ip(std::string_view text) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    const std::string terminated(text);
    const bool contains_zero = text.find('\0') != std::string_view::npos;
    if (!contains_zero && (inet_pton(AF_INET, terminated.c_str(), address.data()) == 1 ||
                           inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1)) {
        return std::nullopt;
    }
    return "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
}

Complaint check_cidr(std::string_view text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view address = text.substr(0, slash);
    const std::string_view length = text.substr(std::min(slash + 1, text.size()));
    constexpr unsigned kV4 = 32;
    constexpr unsigned kV6 = 128;
    unsigned bits = 0;
    const char* end = length.data() + length.size();
    const auto [rest, error] = std::from_chars(length.data(), end, bits);
    const bool is_number = !length.empty() && error == std::errc{} && rest == end;
    if (check_ip(address) || !is_number || bits > (address.contains(':') ? kV6 : kV4)) {
        return "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    }
    return std::nullopt;
}

}  // namespace farhold::object
