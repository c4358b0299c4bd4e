// SPDX-License-Identifier: Apache-2.0
//
// What either end of the tunnel reads: WebSocket messages, each with two bytes of length before it.
// A message that is taken is written as it was read, keeps every limit, and costs no more memory
// than its bytes can account for.
#include "common/base/ensure.hpp"
#include "common/tunnel/frame.hpp"
#include "tests/support/fuzz_input.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

using namespace farhold;
using namespace farhold::tunnel;

namespace {

// Bytes asked of the allocator since it was set to zero.
std::size_t allocated = 0;

// A frame may become this many times larger in memory, besides a part for its outline.
constexpr std::size_t kGrowth = 32;
constexpr std::size_t kOutline = std::size_t{1} << 20U;

Message read_back(const std::vector<std::string>& frames) {
    FrameReader reader;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        auto read = reader.read(frames[i]);
        ensure(read.has_value(), "what was written can be read");
        ensure(read->has_value() == (i + 1 == frames.size()), "the last piece makes it whole");
        if (*read) {
            return std::move(**read);
        }
    }
    ensure(false, "a message comes back");
    std::abort();
}

void check_fixpoint(const Message& message) {
    const auto written = FrameWriter().write(message);
    ensure(FrameWriter().write(read_back(written)) == written, "a message reads as it is written");
    (void)name_of(message);
    if (const auto* batch = std::get_if<Batch>(&message)) {
        ensure(batch->upserts.size() + batch->removals.size() <= kItemsMax, "objects of a batch");
        (void)size_of(*batch);
    } else if (const auto* inventory = std::get_if<Inventory>(&message)) {
        ensure(inventory->entries.size() <= kItemsMax, "entries of an inventory");
    } else if (const auto* reports = std::get_if<Reports>(&message)) {
        ensure(reports->reports.size() <= kItemsMax, "reports of a frame");
    }
}

}  // namespace

// AddressSanitizer calls it; in builds without it nothing is counted.
extern "C" void __sanitizer_malloc_hook(  // NOLINT(bugprone-reserved-identifier)
    const volatile void* /*memory*/, std::size_t size
) {
    allocated += size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    FrameReader reader;
    std::size_t taken = 0;
    while (!in.at_end()) {
        const std::size_t high = in.byte();
        const std::string_view bytes = in.bytes(high << 8U | in.byte());
        taken += bytes.size();
        allocated = 0;
        auto message = reader.read(bytes);
        ensure(allocated <= kGrowth * taken + kOutline, "a frame takes no more than it may");
        if (!message) {
            return 0;
        }
        if (*message) {
            check_fixpoint(**message);
        }
    }
    return 0;
}
