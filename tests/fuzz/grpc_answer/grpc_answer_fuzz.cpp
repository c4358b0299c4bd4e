// SPDX-License-Identifier: Apache-2.0
//
// What a container runtime may send in the frames of a call: messages in any pieces, and the header
// texts that say how it ended. The first line is the header's, the rest the messages'.
#include "common/base/ensure.hpp"
#include "common/grpc/framing.hpp"
#include "common/grpc/status.hpp"
#include "tests/support/fuzz_input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold;
using namespace farhold::grpc;

namespace {

constexpr std::size_t kMessageBytesMax = 1000;

struct Outcome {
    bool refused = false;
    std::vector<std::string> messages;

    bool operator==(const Outcome&) const = default;
};

Outcome assemble(std::string_view bytes, std::size_t piece) {
    MessageAssembler assembler(kMessageBytesMax);
    Outcome outcome;
    while (!bytes.empty() && !outcome.refused) {
        outcome.refused = !assembler.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        while (auto message = assembler.take()) {
            ensure(message->size() <= kMessageBytesMax, "a message keeps its limit");
            outcome.messages.push_back(std::move(*message));
        }
    }
    ensure(assembler.size() == 0, "every message was taken");
    return outcome;
}

void check_messages(std::string_view bytes) {
    const Outcome whole = assemble(bytes, std::max<std::size_t>(bytes.size(), 1));
    ensure(whole == assemble(bytes, 1), "pieces make no difference");
    ensure(whole == assemble(bytes, 3), "pieces make no difference");
    std::string again;
    for (const std::string& message : whole.messages) {
        again += frame_message(message);
    }
    ensure(bytes.starts_with(again), "a message is framed as it came");
}

void check_header(std::string_view text) {
    ensure(decode_text(encode_text(text)) == text, "a message of an error arrives");
    ensure(decode_text(text).size() <= text.size(), "decoding does not grow");
    if (const auto timeout = parse_timeout(text)) {
        ensure(*timeout >= Duration::zero(), "a time to wait");
        const auto again = parse_timeout(format_timeout(*timeout));
        ensure(again && *again >= *timeout, "rounded up");
    }
    const std::string value(text);
    for (const http2::Headers& headers :
         {http2::Headers{{":status", "200"}, {"grpc-status", value}, {"grpc-message", value}},
          http2::Headers{{":status", value}}, http2::Headers{{"content-type", value}}}) {
        const Result<void> status = status_of(headers);
        ensure(status || status.error().message().size() < 4096 + text.size(), "in few words");
        (void)is_grpc(headers);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    check_header(in.line());
    check_messages(in.rest());
    return 0;
}
