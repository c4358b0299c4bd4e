// SPDX-License-Identifier: Apache-2.0
#include "common/net/endpoint.hpp"

#include "tests/support/catch.hpp"

#include <utility>

using namespace farhold;

TEST_CASE("endpoint: names, IPv4 and bracketed IPv6 addresses are read and written", "[net]") {
    for (const char* text : {"hub.example:10000", "127.0.0.1:1", "[::1]:6443", "0.0.0.0:0"}) {
        const auto endpoint = net::parse_endpoint(text);
        REQUIRE(endpoint);
        CHECK(net::to_string(*endpoint) == text);
    }
}

TEST_CASE("endpoint: what is not HOST:PORT is refused by its text", "[net]") {
    for (const char* text :
         {"", "host", "host:", ":1", "host:port", "host:70000", "::1:6443", "[::1]", "[]:1",
          "host:1x"}) {
        const auto endpoint = net::parse_endpoint(text);
        REQUIRE_FALSE(endpoint);
        CHECK(endpoint.error().message() == "\"" + std::string(text) + "\" is not HOST:PORT");
    }
}

TEST_CASE("endpoint: a port that is missing is the default one", "[net]") {
    const std::pair<const char*, const char*> cases[] = {
        {"hub.example", "hub.example:10000"}, {"hub.example:443", "hub.example:443"},
        {"192.0.2.7", "192.0.2.7:10000"},     {"192.0.2.7:1", "192.0.2.7:1"},
        {"fd00::1", "[fd00::1]:10000"},       {"[fd00::1]", "[fd00::1]:10000"},
        {"[fd00::1]:443", "[fd00::1]:443"},
    };
    for (const auto& [text, full] : cases) {
        const auto endpoint = net::parse_endpoint(text, 10000);
        REQUIRE(endpoint);
        CHECK(net::to_string(*endpoint) == full);
    }
    for (const char* text :
         {"", "[]", "host:", "wss://hub.example", "wss://hub.example:443", "[::1"}) {
        CAPTURE(text);
        CHECK_FALSE(net::parse_endpoint(text, 10000));
    }
}
