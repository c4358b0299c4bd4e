// SPDX-License-Identifier: Apache-2.0
//
// What a server may answer to our client. The first byte says whether it answers a HEAD request and
// whether the connection ends after the bytes; in which pieces they come makes no difference.
#include "common/base/ensure.hpp"
#include "common/net/http_codec.hpp"
#include "tests/support/fuzz_input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace farhold;
using namespace farhold::net;

namespace {

constexpr std::size_t kBodyBytesMax = 4096;

struct Outcome {
    bool refused = false;
    bool done = false;
    int status = 0;
    std::string body;

    bool operator==(const Outcome&) const = default;
};

Outcome taken(ResponseReader& reader) {
    HttpResponse response = reader.take();
    ensure(response.body.size() <= kBodyBytesMax, "the body keeps its limit");
    ensure(response.headers.fields().size() <= kHeaderFieldsMax, "so do the headers");
    ensure(response.status >= 100 && response.status <= 999, "three digits");
    return {.done = true, .status = response.status, .body = std::move(response.body)};
}

Outcome read_in_pieces(std::string_view text, std::size_t piece, bool answers_head, bool ends) {
    ResponseReader reader(kBodyBytesMax, answers_head);
    std::string pending;
    while (!text.empty()) {
        pending += text.substr(0, piece);
        text.remove_prefix(std::min(piece, text.size()));
        const auto progress = reader.advance(pending);
        if (!progress) {
            ensure(!progress.error().text.empty(), "a refusal says why");
            return {.refused = true};
        }
        if (*progress == Progress::done) {
            return taken(reader);
        }
    }
    if (!ends) {
        return {};
    }
    const auto progress = reader.end_of_stream();
    if (!progress) {
        return {.refused = true};
    }
    ensure(*progress == Progress::done, "nothing comes after the end");
    return taken(reader);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const std::uint8_t how = in.byte();
    const bool answers_head = (how & 1U) != 0;
    const bool ends = (how & 2U) != 0;
    const std::string_view text = in.rest();
    const Outcome whole =
        read_in_pieces(text, std::max<std::size_t>(text.size(), 1), answers_head, ends);
    ensure(whole == read_in_pieces(text, 1, answers_head, ends), "pieces make no difference");
    ensure(whole == read_in_pieces(text, 7, answers_head, ends), "pieces make no difference");
    return 0;
}
