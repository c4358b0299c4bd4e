// SPDX-License-Identifier: Apache-2.0
//
// A container's log, which the container has a say in: its reader gets the same wherever the bytes are
// cut, no more than it asked for, and the place of the last lines lies within the log.
#include "common/base/ensure.hpp"
#include "edgecore/nodeapi/log_lines.hpp"
#include "tests/support/fuzz_input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::nodeapi;  // NOLINT(google-build-using-namespace)

namespace {

std::string format(const LogOptions& options, std::string_view log, std::size_t piece) {
    LogFormatter formatter(options);
    std::string out;
    for (; !log.empty(); log.remove_prefix(std::min(piece, log.size()))) {
        formatter.feed(log.substr(0, piece), out);
    }
    return out;
}

std::uint64_t find_tail(std::string_view log, std::uint64_t lines, std::size_t block) {
    TailFinder finder(lines);
    while (!log.empty()) {
        const std::size_t count = std::min(block, log.size());
        if (finder.prepend(log.substr(log.size() - count))) break;
        log.remove_suffix(count);
    }
    finder.finish();
    return finder.distance();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput input(data, size);
    LogOptions options;
    options.timestamps = input.flag();
    if (input.flag()) options.since = WallTime(std::chrono::seconds(input.number()));
    if (input.flag()) options.bytes_max = input.number() + 1;
    const std::size_t piece = std::size_t{input.byte()} + 1;
    const std::uint64_t lines = input.byte();
    const std::string_view log = input.rest();

    const std::string whole = format(options, log, log.size() + 1);
    ensure(format(options, log, piece) == whole, "the cuts of a log do not show");
    ensure(!options.bytes_max || whole.size() <= *options.bytes_max, "a limit is kept");
    const std::uint64_t distance = find_tail(log, lines, log.size() + 1);
    ensure(distance <= log.size(), "the last lines lie within the log");
    ensure(find_tail(log, lines, piece) == distance, "the blocks of a log do not show");
    return 0;
}
