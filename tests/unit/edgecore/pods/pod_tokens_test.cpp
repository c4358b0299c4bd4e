// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_tokens.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <string>

namespace farhold::pods {

namespace {

using namespace std::chrono_literals;

const podspec::TokenTerms kApi{"", 3607};
const podspec::TokenTerms kVault{"vault", 600};

// A pod that wants tokens, its memory, and time; the hub is the test.
struct Pod {
    PodTokens::Look look() { return tokens.look(wanted, held, Instant(mono), trusted); }

    bool is_due() { return look().due == std::vector{kApi}; }

    void mint(Duration life) {
        const tunnel::Token token{
            .token = "jwt" + std::to_string(++minted), .expires = trusted + life
        };
        held.insert_or_assign(kApi, *tokens.answered(kApi, token, Instant(mono), trusted, random));
    }
    void refuse(bool retry) {
        const tunnel::Token token{.refusal = "why", .retry = retry};
        CHECK_FALSE(tokens.answered(kApi, token, Instant(mono), trusted, random));
    }
    void pass(Duration time) {
        mono += time;
        trusted += time;
    }

    PodTokens tokens;
    PodTokens::Wanted wanted{kApi};
    PodTokens::Held held;
    Random random{3};
    Duration mono = 100h;
    WallTime trusted{24h * 365 * 50};
    int minted = 0;
};

}  // namespace

TEST_CASE("pod_tokens: what a pod lacks is asked for at once, and once", "[pods]") {
    Pod pod;
    pod.wanted.insert(kVault);
    CHECK(pod.look().due == std::vector{kApi, kVault});
    CHECK(pod.look().due.empty());
    CHECK_FALSE(pod.look().next);
    CHECK(pod.tokens.awaits_first(pod.wanted, pod.held));
    CHECK(pod.tokens.trouble(kApi) == "the hub has not answered yet");
    pod.pass(24h);
    CHECK(pod.look().due.empty());  // The link asks again by itself.
}

TEST_CASE(
    "pod_tokens: a token is renewed after four fifths of its life or a bit before", "[pods]"
) {
    Pod pod;
    for (int round = 0; round < 100; ++round) {
        REQUIRE(pod.is_due());
        pod.mint(1000s * 60);
        CHECK_FALSE(pod.tokens.awaits_first(pod.wanted, pod.held));
        const auto next = pod.look().next;
        REQUIRE(next);
        const Duration wait = *next - Instant(pod.mono);
        CHECK(wait <= 800s * 60);
        CHECK(wait >= 720s * 60);
        pod.pass(wait - 1ns);
        CHECK_FALSE(pod.is_due());
        pod.pass(1ns);
    }
    CHECK(pod.held.at(kApi).token == "jwt100");
}

TEST_CASE("pod_tokens: a fleet does not ask in the same moment", "[pods]") {
    std::set<Instant> moments;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Pod pod;
        pod.random = Random(seed);
        REQUIRE(pod.is_due());
        pod.mint(1h);
        moments.insert(*pod.look().next);
    }
    CHECK(moments.size() == 20);
}

TEST_CASE("pod_tokens: a token of a year is renewed every day", "[pods]") {
    Pod pod;
    REQUIRE(pod.is_due());
    pod.mint(24h * 365);
    pod.pass(21h);
    CHECK_FALSE(pod.is_due());
    pod.pass(3h);
    CHECK(pod.is_due());
}

TEST_CASE("pod_tokens: a token that looks expired is not asked for all the time", "[pods]") {
    Pod pod;
    REQUIRE(pod.is_due());
    pod.mint(-48h);  // The machine's time is ahead of the hub's.
    CHECK_FALSE(pod.is_due());
    pod.pass(8min);
    CHECK(pod.is_due());
}

TEST_CASE("pod_tokens: an expired token serves until the next one has come", "[pods]") {
    Pod pod;
    REQUIRE(pod.is_due());
    pod.mint(1h);
    pod.pass(24h * 7);  // Cut off.
    CHECK(pod.is_due());
    CHECK_FALSE(pod.tokens.awaits_first(pod.wanted, pod.held));
    pod.mint(1h);
    CHECK_FALSE(pod.is_due());
}

TEST_CASE("pod_tokens: after a reboot trusted time may be behind until a hub tells it", "[pods]") {
    Pod pod;
    REQUIRE(pod.is_due());
    pod.mint(1h);
    pod.tokens = {};
    pod.mono = 1s;
    pod.trusted -= 24h * 30;
    CHECK_FALSE(pod.is_due());
    CHECK(pod.look().next <= Instant(1s) + 24h);
    pod.trusted += 24h * 60;
    CHECK(pod.is_due());
}

TEST_CASE("pod_tokens: a refusal is tried again, ever later up to a minute", "[pods]") {
    Pod pod;
    Duration longest{};
    for (int round = 0; round < 30; ++round) {
        REQUIRE(pod.is_due());
        pod.refuse(true);
        CHECK(pod.tokens.trouble(kApi) == "why");
        CHECK_FALSE(pod.is_due());
        const auto next = pod.look().next;
        REQUIRE(next);
        const Duration wait = *next - Instant(pod.mono);
        CHECK(wait <= (round == 0 ? 2s : 60s));
        longest = std::max(longest, wait);
        pod.pass(wait);
    }
    CHECK(longest > 30s);
    CHECK(pod.is_due());
    pod.mint(1h);
    pod.pass(1h);
    REQUIRE(pod.is_due());
    pod.refuse(true);  // As if for the first time.
    CHECK(*pod.look().next - Instant(pod.mono) <= 2s);
}

TEST_CASE("pod_tokens: what a person must mend waits for minutes, or for a change", "[pods]") {
    Pod pod;
    REQUIRE(pod.is_due());
    CHECK(pod.tokens.awaits_first(pod.wanted, pod.held));
    pod.refuse(false);
    CHECK_FALSE(pod.tokens.awaits_first(pod.wanted, pod.held));
    pod.pass(4min);
    CHECK_FALSE(pod.is_due());
    pod.tokens.hasten();
    CHECK(pod.is_due());
    pod.refuse(false);
    pod.pass(5min);
    CHECK(pod.is_due());
}

}  // namespace farhold::pods
