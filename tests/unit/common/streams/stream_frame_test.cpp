// SPDX-License-Identifier: Apache-2.0
#include "common/streams/stream_frame.hpp"

#include "proto/farhold/tunnel/v1/tunnel.pb.h"
#include "tests/support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::streams;
namespace wire = farhold::tunnel::v1;

namespace {

std::string text_of(const StreamFrame& frame) {
    std::string text = std::to_string(frame.stream) + " " + std::string(name_of(frame.message));
    if (const auto* data = std::get_if<Data>(&frame.message)) text += " " + data->bytes;
    if (const auto* credit = std::get_if<Credit>(&frame.message)) {
        text += " " + std::to_string(credit->bytes);
    }
    if (const auto* reset = std::get_if<Reset>(&frame.message)) text += " " + reset->reason;
    if (const auto* refusal = std::get_if<BulkRefusal>(&frame.message)) {
        text += " " + refusal->reason;
    }
    return text;
}

// A frame as a peer may write it, with number 1.
std::string wire_bytes(const std::function<void(wire::StreamFrame&)>& fill) {
    wire::Frame frame;
    frame.mutable_stream()->set_number(1);
    fill(*frame.mutable_stream());
    return frame.SerializeAsString();
}

std::string fault_of(const std::string& message) {
    const auto read = StreamFrameReader().read(message);
    return read ? "none" : read.error().message();
}

}  // namespace

TEST_CASE("stream_frame: what one end writes the other reads", "[streams]") {
    StreamFrameWriter writer;
    StreamFrameReader reader;
    const std::vector<std::pair<StreamFrame, std::string>> frames = {
        {{1, Open{}}, "1 Open"},
        {{1, Data{"abc"}}, "1 Data abc"},
        {{1, Data{std::string(kDataBytesMax, 'x')}}, "1 Data " + std::string(kDataBytesMax, 'x')},
        {{1, Credit{70'000}}, "1 Credit 70000"},
        {{1, Finish{}}, "1 Finish"},
        {{std::uint64_t{1} << 63U, Reset{"why"}}, "9223372036854775808 Reset why"},
        {{0, BulkCall{}}, "0 BulkCall"},
        {{0, BulkRefusal{"busy"}}, "0 BulkRefusal busy"},
        {{0, Ping{}}, "0 Ping"},
        {{0, Pong{}}, "0 Pong"},
    };
    for (const auto& [frame, text] : frames) {
        const std::string bytes = writer.write(frame);
        CHECK(is_stream_frame(bytes));
        CHECK(bytes.size() <= kStreamWireBytesMax);
        const auto read = reader.read(bytes);
        REQUIRE(read.has_value());
        CHECK(text_of(*read) == text);
    }
    const std::string cut = writer.write({1, Reset{std::string(5000, 'y')}});
    CHECK(text_of(reader.read(cut).value()).size() == kReasonBytesMax + 8);
}

TEST_CASE("stream_frame: a frame is lost, repeated or overtaken in no silence", "[streams]") {
    StreamFrameWriter writer;
    const std::string first = writer.write({1, Open{}});
    const std::string second = writer.write({1, Finish{}});
    CHECK(fault_of(second) == "stream frame 2 came where 1 was due");
    StreamFrameReader reader;
    CHECK(reader.read(first).has_value());
    CHECK_FALSE(reader.read(first).has_value());
}

TEST_CASE("stream_frame: frames of a bad peer are refused", "[streams]") {
    const std::string good = StreamFrameWriter().write({7, Data{"abc"}});
    CHECK(fault_of(good) == "none");
    CHECK(fault_of("") == "not a stream frame");
    CHECK(fault_of("\xfa\x01") == "not a stream frame");
    CHECK(fault_of("\xfa\x01\xff\xff\xff\xff\xff\xff") == "not a stream frame");
    CHECK(fault_of(good.substr(0, good.size() - 1)) == "not a stream frame");
    CHECK(fault_of(good + good) == "not a stream frame");
    CHECK(fault_of(std::string(kStreamWireBytesMax + 1, 'x')) == "stream frame too long");

    CHECK(fault_of(wire_bytes([](auto& frame) {
              frame.set_stream(1);
          })) == "stream frame without a message known here");
    CHECK(fault_of(wire_bytes([](auto& frame) { frame.set_data("abc"); })) == "Data of stream 0");
    CHECK(fault_of(wire_bytes([](auto& frame) {
              frame.set_stream(3);
              frame.mutable_ping();
          })) == "Ping of stream 3");
    CHECK(fault_of(wire_bytes([](auto& frame) {
              frame.set_stream(3);
              frame.set_data("");
          })) == "Data of stream 3: no data");
    CHECK(fault_of(wire_bytes([](auto& frame) {
              frame.set_stream(3);
              frame.set_data(std::string(kDataBytesMax + 1, 'x'));
          })) == "Data of stream 3: too much data");
    CHECK(fault_of(wire_bytes([](auto& frame) {
              frame.set_stream(3);
              frame.set_credit(0);
          })) == "Credit of stream 3: no credit");
    CHECK(fault_of(wire_bytes([](auto& frame) {
              frame.set_stream(3);
              frame.mutable_reset()->set_reason(std::string(kReasonBytesMax + 1, 'x'));
          })) == "Reset of stream 3: the reason is too long");
}
