// SPDX-License-Identifier: Apache-2.0
#include "common/log/log.hpp"

#include "tests/support/catch.hpp"

using namespace farhold::log;

TEST_CASE("log: a text line is key=value and quotes only what needs it", "[log]") {
    CHECK(
        format_line(
            Format::text, "T", Level::info, "node session opened", {{"node", "edge-1"}},
            {{"peer", "10.0.0.1:99"}, {"objects", 3}, {"why", "two words"}, {"fresh", true}}
        ) ==
        "time=T level=info msg=\"node session opened\" node=edge-1 peer=10.0.0.1:99 "
        "objects=3 why=\"two words\" fresh=true"
    );
}

TEST_CASE("log: a JSON line keeps numbers and booleans as such", "[log]") {
    CHECK(
        format_line(
            Format::json, "T", Level::error, "x", {}, {{"n", 3}, {"ok", false}, {"s", "3"}}
        ) == R"({"time":"T","level":"error","msg":"x","n":3,"ok":false,"s":"3"})"
    );
}

TEST_CASE("log: bytes from outside cannot forge a line or move the cursor", "[log]") {
    const std::string line =
        format_line(Format::text, "T", Level::info, "m", {}, {{"k", "a\nlevel=error \x1b[2J\"\\"}});
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line.ends_with(R"(k="a\nlevel=error \u001b[2J\"\\")"));
}

TEST_CASE("log: lines below the least level are dropped, identity comes first", "[log]") {
    std::vector<std::string> lines;
    const Logger root(Format::text, Level::warning, [&](std::string_view line) {
        lines.emplace_back(line);
    });
    const Logger logger = root.with({{"component", "link"}}).with({{"node", "n1"}});
    logger.info("not seen");
    logger.warning("seen", {{"a", 1}});
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].ends_with("level=warning msg=\"seen\" component=link node=n1 a=1"));
}

TEST_CASE("log: a line is UTF-8 whatever it tells of", "[log]") {
    const std::string line = format_line(
        Format::json, "T", Level::info, "m", {},
        {{"k",
          "\xff"
          "a\xc2\x9b"
          "31m\xc3\xa9\xc3"}}
    );
    CHECK(line.ends_with("\"k\":\"\\ufffda\\u009b31m\xc3\xa9\\ufffd\"}"));
}
