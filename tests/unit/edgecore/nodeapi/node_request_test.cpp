// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/node_request.hpp"

#include "tests/support/catch.hpp"

#include <chrono>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::nodeapi;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

constexpr WallTime kNow{100h};

Result<LogOptions> options(std::string_view query) {
    const auto request = parse_node_request("/containerLogs/ns/pod/c?" + std::string(query));
    REQUIRE(request);
    return parse_log_options(*request, kNow);
}

}  // namespace

TEST_CASE("node_request: path and query are decoded", "[nodeapi]") {
    const auto request = parse_node_request("/exec//ns/p%2Fod/c?command=a+b&command=%26&tty=1&x");
    REQUIRE(request);
    CHECK(request->path == std::vector<std::string>{"exec", "ns", "p/od", "c"});
    CHECK(request->query.size() == 4);
    CHECK(request->query[0].second == "a b");
    CHECK(request->query[1].second == "&");
    CHECK(request->flag("tty"));
    CHECK_FALSE(request->flag("x"));
    CHECK_FALSE(parse_node_request("/%zz"));
    CHECK_FALSE(parse_node_request("/a?b=%2"));
}

TEST_CASE("node_request: pods and containers are named with or without a uid", "[nodeapi]") {
    const auto plain = container_address({"exec", "ns", "pod", "c"});
    REQUIRE(plain);
    CHECK(plain->uid.empty());
    CHECK(plain->container == "c");
    const auto with_uid = container_address({"exec", "ns", "pod", "uid", "c"});
    REQUIRE(with_uid);
    CHECK(with_uid->uid == "uid");
    CHECK_FALSE(container_address({"exec", "ns", "pod"}));
    CHECK(pod_address({"portForward", "ns", "pod"}));
    CHECK_FALSE(pod_address({"portForward", "ns"}));
}

TEST_CASE("node_request: what of a log is wanted", "[nodeapi]") {
    const auto all = options("follow=true&previous=1&timestamps=true&tailLines=0&limitBytes=5");
    REQUIRE(all);
    CHECK(all->follow);
    CHECK(all->previous);
    CHECK(all->timestamps);
    CHECK(all->tail_lines == 0U);
    CHECK(all->bytes_max == 5U);
    CHECK(options("sinceSeconds=60")->since == kNow - 60s);
    CHECK(options("sinceTime=1970-01-01T01:00:00Z")->since == WallTime(1h));
    CHECK_FALSE(options("")->since);
    const char* wrong[] = {"tailLines=-1",        "tailLines=x",
                           "limitBytes=0",        "sinceSeconds=0",
                           "sinceTime=yesterday", "sinceSeconds=1&sinceTime=1970-01-01T01:00:00Z"};
    for (const char* query : wrong) {
        INFO(query);
        CHECK_FALSE(options(query));
    }
}
