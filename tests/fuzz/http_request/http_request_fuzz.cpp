// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes come in whatever pieces, a request is taken, refused with a status, or waited for;
// and the pieces make no difference.
#include "common/base/ensure.hpp"
#include "common/net/http_codec.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace farhold;
using namespace farhold::net;

namespace {

struct Outcome {
    int refused = 0;
    bool done = false;
    std::string target;
    std::string body;

    bool operator==(const Outcome&) const = default;
};

Outcome read_in_pieces(std::string_view text, std::size_t piece) {
    RequestReader reader(1024, 4096);
    Outcome outcome;
    std::string pending;
    while (!text.empty()) {
        pending += text.substr(0, piece);
        text.remove_prefix(std::min(piece, text.size()));
        const auto progress = reader.advance(pending);
        if (!progress) {
            outcome.refused = progress.error().status;
            return outcome;
        }
        if (*progress == Progress::done) {
            const HttpRequest request = reader.take();
            ensure(request.body.size() <= 4096, "the body keeps its limit");
            return {0, true, request.target, request.body};
        }
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Outcome whole = read_in_pieces(text, size == 0 ? 1 : size);
    const Outcome bytes = read_in_pieces(text, 1);
    // A refusal may have another status when a limit is met before the damage is seen.
    ensure(whole.done == bytes.done, "pieces make no difference");
    ensure(!whole.done || whole == bytes, "pieces make no difference");
    return 0;
}
