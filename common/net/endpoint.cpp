// SPDX-License-Identifier: Apache-2.0
#include "common/net/endpoint.hpp"

#include <fmt/format.h>

#include <charconv>

namespace farhold::net {

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

std::string to_string(const Endpoint& endpoint) {
    if (endpoint.host.contains(':')) return fmt::format("[{}]:{}", endpoint.host, endpoint.port);
    return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

}  // namespace farhold::net
