// SPDX-License-Identifier: Apache-2.0
//
// What a pod's life cycle remembers: text of the store that may be anything, then listings of a
// runtime that lies. Memory that was read is written so that it reads the same, and what was folded
// in once changes nothing the second time.
#include "common/base/ensure.hpp"
#include "edgecore/pods/pod_memory.hpp"
#include "tests/support/fuzz_input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

using namespace farhold;
using namespace farhold::pods;

namespace {

std::optional<WallTime> some_time(test::FuzzInput& in) {
    const std::uint64_t number = in.number();
    return number == 0 ? std::nullopt
                       : std::optional(WallTime(Duration(static_cast<Duration::rep>(number))));
}

Observation some_observation(test::FuzzInput& in) {
    Observation observation;
    for (std::size_t i = in.below(3); i > 0; --i) {
        observation.sandboxes.push_back({
            .id = "s" + std::to_string(in.below(3)),
            .attempt = static_cast<std::uint32_t>(in.number()),
            .ready = in.flag(),
            .ip = "192.0.2.1",
        });
    }
    for (std::size_t i = in.below(5); i > 0; --i) {
        observation.containers.push_back({
            .id = "c" + std::to_string(in.below(6)),
            .sandbox_id = "s" + std::to_string(in.below(3)),
            .name = std::string(1, static_cast<char>('a' + in.below(3))),
            .attempt = static_cast<std::uint32_t>(in.number()),
            .state = static_cast<ContainerState>(in.below(4)),
            .spec_hash = "h",
            .image_id = std::string(in.text()),
            .started_at = some_time(in),
            .finished_at = some_time(in),
            .exit_code = static_cast<std::int32_t>(in.number()),
            .reason = std::string(in.text()),
            .message = std::string(in.text()),
        });
    }
    return observation;
}

PodMemory reread(const PodMemory& memory) {
    auto again = decode_memory(encode_memory(memory));
    ensure(again.has_value(), "memory can be read as it is written");
    return std::move(*again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    PodMemory memory;
    if (auto decoded = decode_memory(in.line())) {
        memory = std::move(*decoded);
        ensure(reread(memory) == memory, "and is the same");
    }
    for (int i = 0; i < 20 && !in.at_end(); ++i) {
        const Observation observation = some_observation(in);
        const PodMemory before = memory;
        (void)memory.fold(observation);
        for (const auto& [name, record] : memory.containers) {
            const auto known = before.containers.find(name);
            ensure(
                known == before.containers.end() || record.attempt >= known->second.attempt,
                "restart counts never fall"
            );
            ensure(
                (record.state == ContainerRecord::State::ended) == record.ended.has_value(),
                "what has ended has an end"
            );
        }
        ensure(memory.next_sandbox_attempt >= before.next_sandbox_attempt, "nor do attempts");
        PodMemory twice = memory;
        ensure(!twice.fold(observation) && twice == memory, "the same listing says nothing new");
        // Text that is none is replaced when it is written, and stays as it is from then on.
        memory = reread(memory);
        ensure(reread(memory) == memory, "a restart changes nothing");
    }
    return 0;
}
