// SPDX-License-Identifier: Apache-2.0
#include "common/net/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace farhold::net {

namespace {

// Of addresses, not of names.
constexpr std::string_view kIpv6Characters = "0123456789abcdefABCDEF:.";

bool has_port(std::string_view text) {
    if (text.starts_with('[')) return !text.ends_with(']');
    const bool is_ipv6 = std::ranges::count(text, ':') > 1 &&
                         text.find_first_not_of(kIpv6Characters) == std::string_view::npos;
    return text.contains(':') && !is_ipv6;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is not HOST:PORT", text));
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return bad();
    std::string_view host = text.substr(0, colon);
    if (host.front() == '[') {
        if (host.size() < 3 || host.back() != ']') return bad();
        host = host.substr(1, host.size() - 2);
    } else if (host.contains(':')) {
        return bad();
    }
    const std::string_view digits = text.substr(colon + 1);
    Endpoint endpoint;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (error != std::errc{} || end != digits.data() + digits.size()) return bad();
    endpoint.host = std::string(host);
    return endpoint;
}

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
    if (has_port(text)) return parse_endpoint(text);
    const bool is_bare_ipv6 = text.contains(':') && !text.starts_with('[');
    const std::string host = is_bare_ipv6 ? fmt::format("[{}]", text) : std::string(text);
    auto endpoint = parse_endpoint(fmt::format("{}:{}", host, default_port));
    if (endpoint) return endpoint;
    return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is not HOST[:PORT]", text));
}

std::string to_string(const Endpoint& endpoint) {
    if (endpoint.host.contains(':')) return fmt::format("[{}]:{}", endpoint.host, endpoint.port);
    return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

}  // namespace farhold::net
