// SPDX-License-Identifier: Apache-2.0
#include "common/object/names.hpp"

#include "tests/support/catch.hpp"

using namespace farhold::object;

TEST_CASE("names: subdomains are dotted labels of lower case", "[object]") {
    for (const char* text : {"a", "a-b.c", "1.2"}) {
        CHECK_FALSE(check_dns1123_subdomain(text));
    }
    for (const char* text : {"", "A", "-a", "a-", "a..b", ".a", "a.", "a_b", "a/b"}) {
        CHECK(check_dns1123_subdomain(text));
    }
    CHECK_FALSE(check_dns1123_subdomain(std::string(253, 'a')));
    CHECK(check_dns1123_subdomain(std::string(254, 'a')) == "must be no more than 253 characters");
    CHECK(
        check_dns1123_subdomain("A") ==
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
        "used for validation is "
        R"('[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'))"
    );
}

TEST_CASE("names: labels are short and have no dots", "[object]") {
    CHECK_FALSE(check_dns1123_label("a-1"));
    CHECK(check_dns1123_label("a.b"));
    CHECK(check_dns1123_label(std::string(64, 'a')) == "must be no more than 63 bytes");
    CHECK(check_dns1035_label("1a"));
    CHECK_FALSE(check_dns1035_label("a1"));
}

TEST_CASE("names: qualified names have at most one prefix", "[object]") {
    for (const char* text : {"a", "app.kubernetes.io/name", "A_b.C"}) {
        CHECK_FALSE(check_qualified_name(text));
    }
    for (const char* text : {"", "/a", "a/", "a/b/c", "A/b", "-a", "a b"}) {
        CHECK(check_qualified_name(text));
    }
    CHECK_FALSE(check_label_value(""));
    CHECK(check_label_value("a b"));
    CHECK(check_label_value(std::string(64, 'a')));
}

TEST_CASE("names: path segments, config keys, variables and ports", "[object]") {
    CHECK(check_path_segment("a%b") == "may not contain '%'");
    CHECK(check_path_segment("..") == "may not be '..'");
    CHECK_FALSE(check_path_segment("a:b"));
    CHECK_FALSE(check_config_key("a.B_c-1"));
    CHECK(check_config_key("a/b"));
    CHECK(check_config_key(".."));
    CHECK(check_config_key("..a"));
    CHECK(check_config_key(""));
    CHECK_FALSE(check_env_name("a b.c"));
    CHECK(check_env_name("a=b"));
    CHECK_FALSE(check_port_name("http-2"));
    for (const char* text : {"", "80", "a--b", "-a", "a-", "Http", "abcdefghijklmnop"}) {
        CHECK(check_port_name(text));
    }
    CHECK_FALSE(check_ip("10.0.0.1"));
    CHECK_FALSE(check_ip("2001:db8::1"));
    CHECK(check_ip("10.0.0.256"));
    CHECK(check_ip(std::string_view("10.0.0.1\0", 9)));
}
