// SPDX-License-Identifier: Apache-2.0
#include "common/grpc/framing.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <string_view>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::grpc;  // NOLINT(google-build-using-namespace)

TEST_CASE("grpc_framing: a message has a flag and its length in front", "[grpc]") {
    CHECK(frame_message("") == std::string(5, '\0'));
    CHECK(
        frame_message("abc") == std::string(
                                    "\0\0\0\0\x03"
                                    "abc",
                                    8
                                )
    );
    const auto large = frame_message(std::string(0x12345, 'x'));
    CHECK(large.substr(0, 5) == std::string("\0\0\x01\x23\x45", 5));
}

TEST_CASE("grpc_framing: messages come out whole however they were cut", "[grpc]") {
    const std::string bytes = frame_message("first") + frame_message("") + frame_message("third");
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        MessageAssembler assembler(100);
        for (std::size_t i = 0; i < bytes.size(); i += piece) {
            REQUIRE(assembler.feed(std::string_view(bytes).substr(i, piece)));
        }
        CHECK(assembler.size() == 3);
        CHECK(assembler.take() == "first");
        CHECK(assembler.take() == "");
        CHECK(assembler.take() == "third");
        CHECK(!assembler.take());
        CHECK(!assembler.has_partial());
    }
}

TEST_CASE("grpc_framing: an unfinished message is noticed", "[grpc]") {
    const std::string bytes = frame_message("message");
    for (std::size_t size = 1; size < bytes.size(); ++size) {
        MessageAssembler assembler(100);
        REQUIRE(assembler.feed(std::string_view(bytes).substr(0, size)));
        CHECK(assembler.has_partial());
        CHECK(assembler.size() == 0);
    }
}

TEST_CASE("grpc_framing: a message over the limit is refused by its length alone", "[grpc]") {
    MessageAssembler assembler(100);
    REQUIRE(assembler.feed(frame_message(std::string(100, 'x'))));
    const auto fed = assembler.feed(std::string("\0\0\0\0\x65", 5));
    REQUIRE(!fed);
    CHECK(fed.error().code() == ErrorCode::resource_exhausted);
}

TEST_CASE("grpc_framing: a compressed message is refused", "[grpc]") {
    MessageAssembler assembler(100);
    const auto fed = assembler.feed(std::string("\x01\0\0\0\x01", 5));
    REQUIRE(!fed);
    CHECK(fed.error().code() == ErrorCode::unsupported);
}
