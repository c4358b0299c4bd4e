// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/service_environment.hpp"

#include "tests/support/catch.hpp"

namespace farhold::podspec {

namespace {

KeyedData variables_of(std::string_view name, std::string_view content) {
    KeyedData variables;
    add_service_environment(name, content, variables);
    return variables;
}

}  // namespace

TEST_CASE("services: a container finds them by kubelet's variables", "[podspec]") {
    const KeyedData variables = variables_of(
        "my-db", R"({"spec":{"clusterIP":"10.96.0.7","ports":[
        {"name":"sql","port":5432,"protocol":"TCP"},{"name":"peer-gossip","port":7000,"protocol":"UDP"}]}})"
    );
    CHECK(
        variables ==
        KeyedData{
            {"MY_DB_SERVICE_HOST", "10.96.0.7"},
            {"MY_DB_SERVICE_PORT", "5432"},
            {"MY_DB_SERVICE_PORT_SQL", "5432"},
            {"MY_DB_SERVICE_PORT_PEER_GOSSIP", "7000"},
            {"MY_DB_PORT", "tcp://10.96.0.7:5432"},
            {"MY_DB_PORT_5432_TCP", "tcp://10.96.0.7:5432"},
            {"MY_DB_PORT_5432_TCP_PROTO", "tcp"},
            {"MY_DB_PORT_5432_TCP_PORT", "5432"},
            {"MY_DB_PORT_5432_TCP_ADDR", "10.96.0.7"},
            {"MY_DB_PORT_7000_UDP", "udp://10.96.0.7:7000"},
            {"MY_DB_PORT_7000_UDP_PROTO", "udp"},
            {"MY_DB_PORT_7000_UDP_PORT", "7000"},
            {"MY_DB_PORT_7000_UDP_ADDR", "10.96.0.7"},
        }
    );
}

TEST_CASE("services: an address of IPv6 is in brackets where a port follows", "[podspec]") {
    const KeyedData variables =
        variables_of("web", R"({"spec":{"clusterIP":"fd00::1","ports":[{"port":80}]}})");
    CHECK(variables.at("WEB_SERVICE_HOST") == "fd00::1");
    CHECK(variables.at("WEB_PORT") == "tcp://[fd00::1]:80");
    CHECK_FALSE(variables.contains("WEB_SERVICE_PORT_"));
}

TEST_CASE("services: without an address in the cluster there are none", "[podspec]") {
    CHECK(variables_of("a", R"({"spec":{"clusterIP":"None","ports":[{"port":80}]}})").empty());
    CHECK(variables_of("a", R"({"spec":{"type":"ExternalName","externalName":"x.y"}})").empty());
    CHECK(variables_of("a", R"({"spec":{"clusterIP":"10.0.0.1"}})").empty());
    CHECK(variables_of("a", "no JSON").empty());
}

}  // namespace farhold::podspec
