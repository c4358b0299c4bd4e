// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/watch_lines.hpp"

#include "cloudcore/kube/retry_after.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace farhold;
using namespace std::chrono_literals;
using Type = kubeapi::WatchEvent::Type;

namespace {

const std::string kEvents =
    R"({"type":"ADDED","object":{"metadata":{"name":"a","managedFields":[{"manager":"m"}]}}})"
    "\n"
    R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}})"
    "\n";

}  // namespace

TEST_CASE("Events come out whole wherever the bytes are cut") {
    for (std::size_t cut = 0; cut <= kEvents.size(); ++cut) {
        CAPTURE(cut);
        kube::WatchLines lines;
        std::vector<kubeapi::WatchEvent> events;
        for (const std::string& bytes : {kEvents.substr(0, cut), kEvents.substr(cut)}) {
            lines.add(bytes);
            for (auto event = lines.next().value(); event; event = lines.next().value()) {
                events.push_back(*event);
            }
        }
        REQUIRE(events.size() == 2);
        CHECK(events[0].type == Type::added);
        CHECK(events[0].object->text_at({"metadata", "name"}) == "a");
        CHECK(events[0].object->at_path({"metadata", "managedFields"}) == nullptr);
        CHECK(events[1].type == Type::bookmark);
    }
}

TEST_CASE("What ends a watch is told as an error") {
    const auto error_of = [](std::string_view line) {
        kube::WatchLines lines;
        lines.add(line);
        lines.add("\n");
        return lines.next().error();
    };
    const Error expired =
        error_of(R"({"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}})"
        );
    CHECK(expired.code() == ErrorCode::resource_exhausted);
    CHECK(expired.message() == "too old");
    CHECK(error_of("<html>").code() == ErrorCode::corrupt);
    CHECK(error_of(R"({"type":"ADDED"})").code() == ErrorCode::corrupt);
    CHECK(error_of(R"({"type":"NEW","object":{}})").message().ends_with("of type \"NEW\""));
    kube::WatchLines endless;
    endless.add(std::string((16 << 20) + 1, ' '));
    CHECK(endless.next().error().code() == ErrorCode::internal);
}

TEST_CASE("A server that asks for patience gets as much as it asks for, with a bound") {
    const auto wait = [](int status, const char* text) {
        net::HttpResponse response;
        response.status = status;
        if (*text != '\0') response.headers.add("Retry-After", text);
        return kube::retry_after(response);
    };
    CHECK(wait(429, "1") == 1s);
    CHECK(wait(503, "0") == 0s);
    CHECK(wait(500, "3600") == 10s);
    CHECK_FALSE(wait(429, ""));
    CHECK_FALSE(wait(409, "1"));
    CHECK_FALSE(wait(429, "-1"));
    CHECK_FALSE(wait(429, "Thu, 26 Nov 2026 00:00:00 GMT"));
}
