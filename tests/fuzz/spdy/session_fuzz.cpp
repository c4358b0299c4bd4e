// SPDX-License-Identifier: Apache-2.0
//
// Either end of a SPDY/3.1 connection against a peer that sends anything. The first byte chooses the
// end and how the rest is cut. It makes no difference in which pieces bytes come, and a peer has no
// more streams than it may.
#include "common/base/ensure.hpp"
#include "common/spdy/session.hpp"
#include "tests/support/fuzz_input.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

using namespace farhold;  // NOLINT(google-build-using-namespace)

namespace {

struct Outcome {
    std::map<spdy::StreamId, std::string> data;
    std::string output;
    bool failed = false;

    bool operator==(const Outcome&) const = default;
};

Outcome run(spdy::Role role, std::string_view bytes, std::size_t piece) {
    spdy::Session session(role);
    Outcome outcome;
    if (role == spdy::Role::client) {
        session.open({{"streamtype", "error"}});
        session.open({{"streamtype", "stdin"}});
    }
    while (!bytes.empty() && !outcome.failed) {
        const auto part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        outcome.failed = !session.receive(part);
        for (const auto& event : session.take_events()) {
            if (const auto* opened = std::get_if<spdy::StreamOpened>(&event)) {
                session.accept(opened->stream);
            } else if (const auto* data = std::get_if<spdy::StreamData>(&event)) {
                outcome.data[data->stream] += data->bytes;
            } else if (const auto* ended = std::get_if<spdy::StreamEnded>(&event)) {
                outcome.data[ended->stream] += "<end>";
            }
        }
        ensure(session.open_streams() <= spdy::kStreamsMax, "the limit of streams holds");
        outcome.output += session.take_output();
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const std::uint8_t choice = in.byte();
    const auto role = (choice & 1U) != 0 ? spdy::Role::server : spdy::Role::client;
    const std::size_t piece = 1 + choice / 2;
    const std::string_view bytes = in.rest();
    // Accepting a stream comes between the frames only when they come apart.
    const Outcome one = run(role, bytes, 1);
    const Outcome many = run(role, bytes, piece);
    ensure(role == spdy::Role::server || one == many, "pieces make no difference");
    return 0;
}
