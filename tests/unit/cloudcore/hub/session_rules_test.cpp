// SPDX-License-Identifier: Apache-2.0
//
// What a machine says against the rules, and how it is told.
#include "session_machine.hpp"

using namespace farhold;
using namespace farhold::hub;
using namespace farhold::test;
using namespace std::chrono_literals;

TEST_CASE("session_state: what breaks a rule closes the session with a reason", "[session_state]") {
    Session session;
    std::string what;
    SECTION("garbage") {
        session.feed(event::Received{"garbage"});
        what = "not a frame, or one with too many entries";
    }
    SECTION("no hello first") {
        session.receive(tunnel::Ping{});
        what = "Ping in phase hello";
    }
    SECTION("two hellos") {
        session.hello();
        session.hello();
        what = "Hello in phase admission";
    }
    SECTION("reports before the welcome") {
        session.hello();
        session.receive(tunnel::Reports{{durable("k/n/a", 1)}});
        what = "reports before the welcome";
    }
    SECTION("inventory that was not asked for") {
        session.live();
        session.receive(tunnel::Inventory{.entries = {}, .last = true});
        what = "Inventory in phase live";
    }
    SECTION("a message of hubs") {
        session.live();
        session.receive(tunnel::Pong{});
        what = "only hubs send that";
    }
    SECTION("confirmation of nothing") {
        session.live();
        session.receive(tunnel::Committed{1});
        what = "confirmation of a batch that is not due";
    }
    SECTION("confirmation out of order") {
        session.live();
        session.change(config_map("a", "a1", "1"));
        session.change(config_map("a", "a1", "2"));
        session.receive(tunnel::Committed{2});
        what = "confirmation of a batch that is not due";
    }
    SECTION("an inventory that says a key twice") {
        session.hello();
        session.feed(event::Admitted{.epoch = 5});
        tunnel::Inventory twice;
        twice.entries.assign(2, {kA, "u", std::string(16, 'h'), 1});
        session.receive(twice);
        what = "inventory with a key that stands twice";
    }
    SECTION("more reports than the window allows") {
        session.live();
        tunnel::Reports many;
        for (std::uint64_t i = 1; i <= tunnel::kReportWindow + 1; ++i) {
            many.reports.push_back(durable("k/n/" + std::to_string(i), i));
        }
        session.receive(many);
        what = "more reports than the window allows";
    }
    SECTION("two requests for a certificate at once") {
        session.live();
        session.receive(tunnel::RenewCertificate{"csr"});
        session.receive(tunnel::RenewCertificate{"csr"});
        what = "a certificate request while one is being answered";
    }
    SECTION("a request for a token before the welcome") {
        session.hello();
        session.receive(token_request(1));
        what = "TokenRequest before the welcome";
    }
    SECTION("a request for a token that is not the next one") {
        session.live();
        session.receive(token_request(2));
        what = "token request 2 after 0";
    }
    SECTION("more requests for tokens than the window allows") {
        put(session.cluster.views, token_pod());
        session.live();
        for (std::uint64_t id = 1; id <= tunnel::kTokenWindow + 1; ++id) {
            session.receive(token_request(id));
        }
        what = "more token requests than the window allows";
    }
    CHECK(session.state.phase() == Phase::closed);
    const auto goodbye = session.take<tunnel::Goodbye>();
    REQUIRE(goodbye.size() == 1);
    CHECK(goodbye[0].reason == tunnel::GoodbyeReason::protocol);
    CHECK(goodbye[0].text == what);
    const auto close = session.actions<action::Close>();
    REQUIRE(close.size() == 1);
    CHECK(close[0].protocol_error);
}

TEST_CASE("session_state: an inventory has a bound", "[session_state]") {
    for (const std::size_t extra : {std::size_t{0}, std::size_t{1}}) {
        Session session;
        session.hello();
        session.feed(event::Admitted{.epoch = 5});
        const std::size_t entries = SessionConfig().inventory_max + extra;
        for (std::size_t i = 0; i < entries; i += 1000) {
            tunnel::Inventory part;
            for (std::size_t j = i; j < std::min(i + 1000, entries); ++j) {
                part.entries.push_back(
                    {{"Secret", "default", std::to_string(j)}, "u", std::string(16, 'h'), 1}
                );
            }
            session.receive(part);
        }
        CHECK((session.state.phase() == Phase::closed) == (extra == 1));
    }
}

TEST_CASE("session_state: another protocol version is told apart", "[session_state]") {
    Session session;
    session.receive(tunnel::Hello{.protocol = tunnel::kProtocol + 1});
    CHECK(
        session.take<tunnel::Goodbye>().at(0).reason == tunnel::GoodbyeReason::unsupported_version
    );
    CHECK(session.state.phase() == Phase::closed);
}
