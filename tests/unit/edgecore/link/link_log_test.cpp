// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/link_log.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/log_capture.hpp"

using namespace farhold;
using namespace farhold::link;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

// A link whose status changes as link_state's does.
class Link {
public:
    void to(Phase phase, Instant now, const std::string& trouble = {}, bool refused = false) {
        status_.phase = phase;
        status_.since = now;
        status_.refused = refused;
        status_.trouble = phase == Phase::live ? "" : trouble;
        observe(now);
    }
    void observe(Instant now) { log_.observe(status_, "hub:1", now); }
    void fail(Instant now, const std::string& trouble, bool refused = false) {
        to(Phase::dialing, now);
        to(Phase::disconnected, now, trouble, refused);
    }
    Lines take() { return capture_.take(); }

private:
    test::LogCapture capture_;
    LinkLog log_{capture_.logger()};
    LinkStatus status_;
};

}  // namespace

TEST_CASE("link log: a link that comes up is told, one that stays up is not", "[link]") {
    Link link;
    link.to(Phase::dialing, Instant(0s));
    link.to(Phase::live, Instant(1s));
    CHECK(link.take() == Lines{"info msg=\"link up\" hub=hub:1 epoch=0"});
    link.observe(Instant(5s));
    CHECK(link.take().empty());
}

TEST_CASE("link log: an outage is two lines, however often was dialled", "[link]") {
    Link link;
    link.to(Phase::live, Instant(0s));
    link.take();
    link.to(Phase::disconnected, Instant(100s), "the hub is silent");
    CHECK(link.take() == Lines{"warning msg=\"link down\" hub=hub:1 error=\"the hub is silent\""});
    for (int attempt = 1; attempt < 20; ++attempt) {
        link.fail(Instant(100s + std::chrono::seconds(attempt)), "no route to host");
    }
    CHECK(link.take().empty());
    link.to(Phase::live, Instant(200s));
    CHECK(
        link.take() == Lines{"info msg=\"link up\" hub=hub:1 epoch=0 after_seconds=100.0 times=20"}
    );
}

TEST_CASE("link log: that the hub refuses the machine is told even within an outage", "[link]") {
    Link link;
    link.fail(Instant(1s), "connection refused");
    link.fail(Instant(2s), "HTTP 403", true);
    link.fail(Instant(3s), "HTTP 403", true);
    CHECK(
        link.take() ==
        Lines{
            "warning msg=\"link down\" hub=hub:1 error=\"connection refused\"",
            "warning msg=\"the hub refuses this machine\" hub=hub:1 error=\"HTTP 403\""
        }
    );
}

TEST_CASE("link log: a link that flaps every second is down until it holds", "[link]") {
    Link link;
    Instant now(1000s);
    link.to(Phase::live, now);
    link.take();
    for (int flap = 0; flap < 300; ++flap) {
        now += 500ms;
        link.to(Phase::disconnected, now, "connection reset");
        now += 500ms;
        link.to(Phase::live, now);
    }
    CHECK(link.take().size() == 2 * kOutagesTold + 1);
    link.observe(now + kSteadyAfter - 1ms);
    CHECK(link.take().empty());
    link.observe(now + kSteadyAfter);
    const Lines told = link.take();
    REQUIRE(told.size() == 1);
    CHECK(told[0].starts_with("info msg=\"link up\""));
    CHECK(told[0].ends_with("times=297"));
}
