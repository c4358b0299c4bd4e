// SPDX-License-Identifier: Apache-2.0
//
// Either end of an HTTP/2 connection against a peer that sends anything. The first byte chooses the
// end and how the rest is cut; a server that gets far enough also answers.
#include "common/http2/session.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

using namespace farhold;  // NOLINT(google-build-using-namespace)

namespace {

void respond(http2::Session& session, http2::StreamId stream) {
    const http2::Headers headers{{":status", "200"}};
    const http2::Headers trailers{{"grpc-status", "0"}};
    if (session.start_response(stream, headers) && session.send(stream, "answer")) {
        (void)session.end_with_trailers(stream, trailers);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const bool is_server = (data[0] & 1U) != 0;
    const std::size_t piece = 1 + data[0] / 2;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);

    http2::Session session(is_server ? http2::Role::server : http2::Role::client, {});
    if (!is_server) {
        (void)session.start_request({{":method", "POST"}, {":path", "/"}, {":scheme", "http"}});
    }
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        const auto taken = session.receive(part);
        for (const auto& event : session.take_events()) {
            const auto* ended = std::get_if<http2::PeerEnded>(&event);
            if (ended != nullptr && is_server) {
                respond(session, ended->stream);
            }
        }
        (void)session.take_output();
        if (!taken) {
            break;
        }
    }
    return 0;
}
