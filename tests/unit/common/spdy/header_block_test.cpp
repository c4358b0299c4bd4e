// SPDX-License-Identifier: Apache-2.0
#include "common/spdy/header_block.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using namespace farhold::spdy;
using farhold::ErrorCode;

namespace {

std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
    }
    return bytes;
}

}  // namespace

TEST_CASE("spdy: header blocks are unpacked as they were packed, one after the other", "[spdy]") {
    HeaderPacker packer;
    HeaderUnpacker unpacker;
    const Headers first{{"streamtype", "error"}, {"port", "80"}, {"requestid", "0"}};
    const Headers second{{"streamtype", "data"}, {"port", "80"}, {"requestid", "0"}};
    for (const Headers& headers : {first, second, Headers{}, first}) {
        const auto unpacked = unpacker.unpack(packer.pack(headers));
        REQUIRE(unpacked.has_value());
        CHECK(*unpacked == headers);
    }
    CHECK(find_header(first, "port") == "80");
    CHECK(find_header(first, "Port").empty());
}

// Made by Python's zlib with the dictionary of the draft, whose Adler-32 is in the block.
TEST_CASE("spdy: a block that others have packed is unpacked", "[spdy]") {
    HeaderUnpacker unpacker;
    const auto unpacked =
        unpacker.unpack(from_hex("78f9e3c6a7c202a62346703a2b294a4dcc851625c0149b925f5a02000000ffff")
        );
    REQUIRE(unpacked.has_value());
    CHECK(*unpacked == Headers{{"streamtype", "stdout"}});
}

TEST_CASE("spdy: a damaged block is refused", "[spdy]") {
    const auto refused = [](const std::string& block) {
        HeaderUnpacker unpacker;
        const auto unpacked = unpacker.unpack(block);
        return !unpacked && unpacked.error().code() == ErrorCode::corrupt;
    };
    CHECK(refused("not deflated"));
    CHECK(refused(""));
    CHECK(refused(from_hex("78f9442d07486260606004e144109104000000ffff"))
    );  // Of another dictionary.
    HeaderPacker packer;
    CHECK(refused(packer.pack({{"UPPER", "case"}})));
    HeaderPacker twice;
    CHECK(refused(twice.pack({{"name", "1"}, {"name", "2"}})));
    HeaderPacker whole;
    const std::string block = whole.pack({{"name", "a value of some length"}});
    CHECK(refused(block.substr(0, block.size() / 2)));
}

TEST_CASE("spdy: a block that is too long when it is unpacked is refused", "[spdy]") {
    HeaderPacker packer;
    HeaderUnpacker unpacker;
    const std::string bomb = packer.pack({{"bomb", std::string(kHeaderBytesMax * 4, '0')}});
    CHECK(bomb.size() < 1000);
    const auto unpacked = unpacker.unpack(bomb);
    REQUIRE_FALSE(unpacked.has_value());
    CHECK(unpacked.error().code() == ErrorCode::resource_exhausted);
}
