// SPDX-License-Identifier: Apache-2.0
#include "edgecore/mqtt/broker_address.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace farhold::mqtt {
namespace {

struct Scheme {
    std::string_view name;
    bool tls;
};
constexpr std::array<Scheme, 5> kSchemes = {{
    {"tcp://", false},
    {"mqtt://", false},
    {"ssl://", true},
    {"tls://", true},
    {"mqtts://", true},
}};

bool is_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port > 0;
}

}  // namespace

Result<BrokerAddress> parse_broker_address(std::string_view text) {
    for (const Scheme& scheme : kSchemes) {
        if (!text.starts_with(scheme.name)) continue;
        std::string_view rest = text.substr(scheme.name.size());
        while (rest.ends_with('/')) rest.remove_suffix(1);
        const std::size_t colon = rest.ends_with(']') ? std::string_view::npos : rest.rfind(':');
        const std::string_view host = rest.substr(0, colon);
        const std::string_view port =
            colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
        const bool has_port = colon != std::string_view::npos;
        if (host.empty() || host.contains('/') || (has_port && !is_port(port))) break;
        std::string uri(scheme.tls ? "ssl://" : "tcp://");
        uri += host;
        uri += ':';
        uri += has_port ? port : scheme.tls ? "8883" : "1883";
        return BrokerAddress{.uri = std::move(uri), .tls = scheme.tls};
    }
    return fail(
        ErrorCode::invalid_argument,
        "\"" + std::string(text) + "\" is not tcp://HOST:PORT or ssl://HOST:PORT"
    );
}

}  // namespace farhold::mqtt
