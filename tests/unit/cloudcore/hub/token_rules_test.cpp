// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/token_rules.hpp"

#include "session_machine.hpp"

using namespace farhold;
using namespace farhold::hub;
using namespace farhold::test;

TEST_CASE("token_rules: a machine gets what its own pods ask for", "[token_rules]") {
    Cluster cluster;
    put(cluster.views, token_pod());
    CHECK_FALSE(refuse_token(token_request(1), cluster.view()));
    tunnel::TokenRequest vault = token_request(1);
    vault.wish.audience = "vault";
    vault.wish.expiration_seconds = 3600;  // What Kubernetes takes where the source says nothing.
    CHECK_FALSE(refuse_token(vault, cluster.view()));
}

TEST_CASE("token_rules: and nothing else", "[token_rules]") {
    Cluster cluster;
    put(cluster.views, token_pod());
    tunnel::TokenRequest request = token_request(7);
    std::string why;
    bool retry = false;
    SECTION("a pod of another machine") {
        put(cluster.views, token_pod("edge-2"));
        why = "pod default/t of that uid is not on this machine";
        retry = true;
    }
    SECTION("a pod that is gone") {
        cluster.views.remove({"Pod", "default", "t"}, "token-uid");
        why = "pod default/t of that uid is not on this machine";
        retry = true;
    }
    SECTION("a pod of another uid") {
        request.wish.pod_uid = "earlier";
        why = "pod default/t of that uid is not on this machine";
        retry = true;
    }
    SECTION("another ServiceAccount") {
        request.wish.service_account = "admin";
        why = "the pod does not run as ServiceAccount \"admin\"";
    }
    SECTION("no ServiceAccount") {
        request.wish.service_account = "";
        why = "the pod does not run as ServiceAccount \"\"";
    }
    SECTION("another audience") {
        request.wish.audience = "bank";
        why = "the pod has no volume with such a token";
    }
    SECTION("another source's time") {
        request.wish.expiration_seconds = 3600;
        why = "the pod has no volume with such a token";
    }
    const auto refusal = refuse_token(request, cluster.view());
    REQUIRE(refusal);
    CHECK(refusal->id == 7);
    CHECK(refusal->token.empty());
    CHECK(refusal->refusal == why);
    CHECK(refusal->retry == retry);
}

TEST_CASE(
    "session_state: a token that may be had is minted, another one refused", "[token_rules]"
) {
    Session session;
    put(session.cluster.views, token_pod());
    session.live();
    session.receive(token_request(1));
    const auto asked = session.actions<action::MintToken>();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].request.wish == token_request(1).wish);
    CHECK(session.take<tunnel::Token>().empty());

    tunnel::TokenRequest foreign = token_request(2);
    foreign.wish.service_account = "admin";
    session.receive(foreign);
    CHECK(session.actions<action::MintToken>().empty());
    auto answers = session.take<tunnel::Token>();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].id == 2);
    CHECK(answers[0].token.empty());

    session.feed(event::TokenMinted{{.id = 1, .token = "jwt", .expires = WallTime(2h)}});
    answers = session.take<tunnel::Token>();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].id == 1);
    CHECK(answers[0].token == "jwt");
    CHECK(answers[0].expires == WallTime(2h));
    CHECK(session.state.counters().tokens_minted == 1);
    CHECK(session.state.counters().tokens_refused == 1);
    CHECK(session.state.counters().tokens_failed == 0);
}

TEST_CASE("session_state: answers make room for further tokens", "[token_rules]") {
    Session session;
    put(session.cluster.views, token_pod());
    session.live();
    for (std::uint64_t id = 1; id <= 3 * tunnel::kTokenWindow; ++id) {
        session.receive(token_request(id));
        if (id >= tunnel::kTokenWindow) {
            session.feed(event::TokenMinted{
                {.id = id + 1 - tunnel::kTokenWindow, .refusal = "away", .retry = true}
            });
        }
    }
    CHECK(session.state.phase() == Phase::live);
    CHECK(session.state.counters().tokens_failed == 2 * tunnel::kTokenWindow + 1);
}
