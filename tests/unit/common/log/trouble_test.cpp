// SPDX-License-Identifier: Apache-2.0
#include "common/log/trouble.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/log_capture.hpp"

using namespace farhold;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

TEST_CASE("trouble: a fault is told when it begins and when it ends", "[log]") {
    test::LogCapture log;
    log::Trouble trouble(log.logger(), "disk full", "disk has room", log::Level::error);
    trouble.over(Instant(1s));
    CHECK(log.take().empty());
    trouble.met("no space", Instant(10s), {{"file", "a"}});
    CHECK(log.take() == Lines{"error msg=\"disk full\" file=a error=\"no space\""});
    trouble.met("no space at all", Instant(11s));
    trouble.met("no space", Instant(12s));
    CHECK(log.take().empty());
    CHECK(trouble.present());
    trouble.over(Instant(22500ms));
    CHECK(log.take() == Lines{"info msg=\"disk has room\" after_seconds=12.5 times=3"});
    CHECK_FALSE(trouble.present());
    trouble.met("again", Instant(30s));
    CHECK(log.take() == Lines{"error msg=\"disk full\" error=again"});
}

TEST_CASE("trouble: repetitions are there for who looks closely", "[log]") {
    test::LogCapture log(log::Level::debug);
    log::Trouble trouble(log.logger(), "away", "back");
    trouble.met("first", Instant(0s));
    trouble.met("second", Instant(1s));
    CHECK(
        log.take() ==
        Lines{"warning msg=\"away\" error=first", "debug msg=\"away\" error=second times=2"}
    );
}
