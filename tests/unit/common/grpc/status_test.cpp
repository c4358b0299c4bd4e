// SPDX-License-Identifier: Apache-2.0
#include "common/grpc/status.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <string>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::grpc;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

TEST_CASE("grpc_status: a status becomes an error with the peer's words", "[grpc]") {
    CHECK(status_of({{"grpc-status", "0"}}));
    const auto status = status_of({{"grpc-status", "5"}, {"grpc-message", "no%20such%0Athing"}});
    REQUIRE(!status);
    CHECK(status.error().code() == ErrorCode::not_found);
    CHECK(status.error().message() == "no such\nthing");
}

TEST_CASE("grpc_status: a peer's CANCELLED is not our own cancellation", "[grpc]") {
    const auto status = status_of({{"grpc-status", "1"}});
    REQUIRE(!status);
    CHECK(status.error().code() == ErrorCode::unavailable);
}

TEST_CASE("grpc_status: what cannot be read is an internal error", "[grpc]") {
    for (const auto* text : {"", "x", "99", "-1", "0x", "99999999999999999999"}) {
        const auto status = status_of({{"grpc-status", text}});
        REQUIRE(!status);
        CHECK(status.error().code() == ErrorCode::internal);
    }
    CHECK(!status_of({}));
}

TEST_CASE("grpc_status: without a status the HTTP status decides", "[grpc]") {
    CHECK(status_of({{":status", "503"}}).error().code() == ErrorCode::unavailable);
    CHECK(status_of({{":status", "404"}}).error().code() == ErrorCode::unsupported);
    CHECK(status_of({{":status", "200"}}).error().code() == ErrorCode::internal);
}

TEST_CASE("grpc_status: every error code survives the wire but our cancellation", "[grpc]") {
    for (const auto code :
         {ErrorCode::invalid_argument, ErrorCode::not_found, ErrorCode::already_exists,
          ErrorCode::conflict, ErrorCode::unauthenticated, ErrorCode::permission_denied,
          ErrorCode::resource_exhausted, ErrorCode::unavailable, ErrorCode::deadline,
          ErrorCode::corrupt, ErrorCode::unsupported, ErrorCode::internal}) {
        const auto back = status_of(status_headers(fail(code, "100 % wrong: \xC3\xA4\n")));
        REQUIRE(!back);
        CHECK(back.error().code() == code);
        CHECK(back.error().message() == "100 % wrong: \xC3\xA4\n");
    }
    CHECK(status_of(status_headers({})));
}

TEST_CASE("grpc_status: percent decoding keeps what is broken", "[grpc]") {
    CHECK(decode_text("%41%zz%4") == "A%zz%4");
    CHECK(encode_text("a%b\x01") == "a%25b%01");
}

TEST_CASE("grpc_status: timeouts keep eight digits and never become zero", "[grpc]") {
    CHECK(format_timeout(0s) == "1n");
    CHECK(format_timeout(5ms) == "5000000n");
    CHECK(format_timeout(5s) == "5000000u");
    CHECK(format_timeout(240s) == "240000m");
    CHECK(format_timeout(100'000'000us + 1ns) == "100001m");
    CHECK(parse_timeout(format_timeout(240s)) == 240s);
    CHECK(parse_timeout("5S") == 5s);
    CHECK(parse_timeout("2H") == 2h);
    for (const auto* text : {"", "S", "5", "5X", "-5S", "x5S", "123456789S"}) {
        CHECK(!parse_timeout(text));
    }
}

TEST_CASE("grpc_status: a reset stream says what to do about it", "[grpc]") {
    CHECK(reset_error({1, http2::StreamError::refused, ""}).code() == ErrorCode::unavailable);
    CHECK(reset_error({1, http2::StreamError::internal, ""}).code() == ErrorCode::internal);
    CHECK(
        reset_error({1, http2::StreamError::enhance_your_calm, "header list"}).code() ==
        ErrorCode::resource_exhausted
    );
}
