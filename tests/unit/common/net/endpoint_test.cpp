// SPDX-License-Identifier: Apache-2.0
#include "common/net/endpoint.hpp"

#include "tests/support/catch.hpp"

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
