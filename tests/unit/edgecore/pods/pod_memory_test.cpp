// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_memory.hpp"

#include "tests/support/catch.hpp"

namespace farhold::pods {

namespace {

using namespace std::chrono_literals;

ObservedContainer container(std::uint32_t attempt, ContainerState state, std::int32_t code = 0) {
    ObservedContainer result;
    result.id = "c" + std::to_string(attempt);
    result.sandbox_id = "s";
    result.name = "main";
    result.attempt = attempt;
    result.state = state;
    result.exit_code = code;
    return result;
}

}  // namespace

TEST_CASE("pod_memory: a listing without news is not worth a write", "[pods]") {
    PodMemory memory;
    const Observation seen{.sandboxes = {}, .containers = {container(0, ContainerState::running)}};
    CHECK(memory.fold(seen));
    CHECK_FALSE(memory.fold(seen));
}

TEST_CASE("pod_memory: an ended attempt becomes the past of the next one", "[pods]") {
    PodMemory memory;
    CHECK(memory.fold({{}, {container(0, ContainerState::exited, 3)}}));
    CHECK(memory.containers.at("main").ended->reason == "Error");
    CHECK_FALSE(memory.fold({{}, {container(1, ContainerState::created)}}));
    CHECK(memory.fold({{}, {container(1, ContainerState::running)}}));
    const ContainerRecord& record = memory.containers.at("main");
    CHECK(record.attempt == 1);
    CHECK(record.previous->exit_code == 3);
    CHECK_FALSE(record.ended);
}

TEST_CASE("pod_memory: an ended attempt does not come back to life", "[pods]") {
    PodMemory memory;
    memory.fold({{}, {container(0, ContainerState::exited, 3)}});
    CHECK_FALSE(memory.fold({{}, {container(0, ContainerState::running)}}));
    CHECK(memory.containers.at("main").ended->exit_code == 3);
}

TEST_CASE("pod_memory: a container that ran and is missing has ended unseen", "[pods]") {
    PodMemory memory;
    memory.fold({{}, {container(0, ContainerState::running)}});
    CHECK(memory.fold({}));
    CHECK(memory.containers.at("main").ended->reason == "ContainerStatusUnknown");
    CHECK_FALSE(memory.fold({}));
}

TEST_CASE("pod_memory: survives its stored form", "[pods]") {
    PodMemory memory;
    memory.fold({{}, {container(0, ContainerState::exited, 3)}});
    ObservedContainer next = container(1, ContainerState::running);
    next.started_at = WallTime(1'700'000'000'123'456'789ns);
    next.image_id = "sha256:x";
    memory.fold({{}, {next}});
    memory.final_state =
        FinalState{.phase = FinalPhase::failed, .reason = "DeadlineExceeded", .message = "late"};
    memory.start_time = WallTime(5s);
    memory.active = 77s;
    memory.grace = 9s;
    memory.tokens[{"", 3607}] = {.token = "jwt", .refresh_at = WallTime(7s)};
    memory.tokens[{"vault", 600}] = {.token = "other", .refresh_at = WallTime(8s)};
    const auto decoded = decode_memory(encode_memory(memory));
    REQUIRE(decoded);
    CHECK(*decoded == memory);
}

TEST_CASE("pod_memory: a damaged row is an error, not a guess", "[pods]") {
    CHECK_FALSE(decode_memory("{"));
    CHECK_FALSE(decode_memory("[]"));
    CHECK_FALSE(decode_memory(R"({"containers":{"a":{"state":9}}})"));
    CHECK_FALSE(decode_memory(R"({"containers":{"a":{"state":2}}})"));
}

}  // namespace farhold::pods
