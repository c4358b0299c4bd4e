// SPDX-License-Identifier: Apache-2.0
//
// Tokens that pods want, on their way to the hub and back.
#include "link_machine.hpp"

using namespace farhold;
using namespace farhold::link;

namespace {

tunnel::TokenWish wish(const std::string& pod) {
    return {
        .ns = "default",
        .pod = pod,
        .pod_uid = pod + "-uid",
        .service_account = "robot",
        .audience = {},
        .expiration_seconds = 3607,
    };
}

void want(Machine& machine, const std::string& pod) {
    machine.feed(event::TokenWanted{wish(pod)});
}

// The pods asked for, in their order.
std::vector<std::string> asked(Machine& machine) {
    std::vector<std::string> pods;
    for (const auto& request : machine.take<tunnel::TokenRequest>()) {
        pods.push_back(std::to_string(request.id) + request.wish.pod);
    }
    return pods;
}

using Asked = std::vector<std::string>;

}  // namespace

TEST_CASE("link_state: a wish waits for the session and is asked once", "[link]") {
    Machine machine;
    want(machine, "a");
    want(machine, "a");
    machine.dialed();
    want(machine, "b");
    CHECK(asked(machine).empty());
    machine.welcome(SyncMode::in_sync);
    CHECK(asked(machine) == Asked{"1a", "2b"});
    want(machine, "a");
    CHECK(asked(machine).empty());

    machine.receive(tunnel::Token{.id = 2, .token = "jwt", .expires = WallTime(3h)});
    const auto answers = machine.actions<action::TokenAnswered>();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].wish == wish("b"));
    CHECK(answers[0].token.token == "jwt");
    CHECK(answers[0].token.expires == WallTime(3h));
    want(machine, "b");  // Anew.
    CHECK(asked(machine) == Asked{"3b"});
}

TEST_CASE("link_state: what a cut has left unanswered is asked again", "[link]") {
    Machine machine;
    machine.live();
    want(machine, "a");
    want(machine, "b");
    CHECK(asked(machine) == Asked{"1a", "2b"});
    machine.receive(tunnel::Token{.id = 1, .refusal = "no"});
    machine.feed(event::Closed{"cut"});
    want(machine, "c");
    want(machine, "b");
    machine.advance(10s);
    machine.live();
    CHECK(asked(machine) == Asked{"1b", "2c"});
    machine.actions<action::TokenAnswered>();
    machine.receive(tunnel::Token{.id = 1, .token = "jwt"});
    CHECK(machine.actions<action::TokenAnswered>().at(0).wish == wish("b"));
}

TEST_CASE("link_state: no more tokens are asked for at once than the window allows", "[link]") {
    Machine machine;
    machine.live();
    for (int i = 0; i < 10; ++i) {
        want(machine, std::to_string(i));
    }
    CHECK(asked(machine).size() == tunnel::kTokenWindow);
    machine.receive(tunnel::Token{.id = 2, .token = "jwt"});
    CHECK(asked(machine) == Asked{"54"});
}

TEST_CASE("link_state: a token that was not asked for ends the session", "[link]") {
    Machine machine;
    machine.live();
    want(machine, "a");
    machine.receive(tunnel::Token{.id = 1, .token = "jwt"});
    CHECK(machine.phase() == Phase::live);
    machine.receive(tunnel::Token{.id = 1, .token = "jwt"});
    CHECK(machine.phase() == Phase::disconnected);
    CHECK(machine.state.status().trouble.contains("Token that was not asked for"));
    CHECK(machine.actions<action::TokenAnswered>().size() == 1);
}

TEST_CASE("link_state: a wish that fits no frame is refused on the machine", "[link]") {
    Machine machine;
    machine.live();
    tunnel::TokenWish large = wish("a");
    large.audience.assign(tunnel::kTextBytesMax + 1, 'x');
    machine.feed(event::TokenWanted{large});
    CHECK(asked(machine).empty());
    const auto answers = machine.actions<action::TokenAnswered>();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].wish == large);
    CHECK(answers[0].token.token.empty());
    CHECK_FALSE(answers[0].token.refusal.empty());
}
