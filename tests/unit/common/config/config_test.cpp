// SPDX-License-Identifier: Apache-2.0
#include "common/config/command_line.hpp"
#include "common/config/yaml_settings.hpp"
#include "tests/support/catch.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace farhold;
using namespace farhold::config;
using namespace std::chrono_literals;

namespace {

struct Program {
    std::string node = "default-node";
    std::int64_t port = 10000;
    Duration ttl = 24h;
    std::vector<std::string> labels;
    bool verbose = false;
    std::string format = "text";
    std::string config;
    bool ran = false;

    int run(std::vector<const char*> arguments) {
        CommandLine line("prog", "A program.", "1.2.3");
        Command& serve = line.root().command("serve", "serves");
        serve.config_file(config);
        serve.setting("node-name", node, "name");
        serve.setting("port", port, "port");
        serve.setting("ttl", ttl, "life");
        serve.setting("label", labels, "labels");
        serve.setting("verbose", verbose, "more");
        serve.choice("log-format", format, {"text", "json"}, "form");
        serve.action([this] {
            ran = true;
            return kExitDone;
        });
        arguments.insert(arguments.begin(), {"prog", "serve"});
        return line.run(static_cast<int>(arguments.size()), arguments.data());
    }
};

struct TempFile {
    explicit TempFile(const std::string& text) {
        path = std::filesystem::temp_directory_path() /
               ("farhold-config-" + std::to_string(::getpid()) + ".yaml");
        std::ofstream(path) << text;
    }
    ~TempFile() { std::filesystem::remove(path); }
    std::filesystem::path path;
};

}  // namespace

TEST_CASE("command line: flags win over the file, the file over defaults", "[config]") {
    const TempFile file(
        "node-name: from-file\nport: 7\nttl: 90s\nlabel: [a=b, c=d]\nverbose: true\n"
    );
    Program program;
    CHECK(program.run({"--config", file.path.c_str(), "--port", "8"}) == kExitDone);
    CHECK(program.ran);
    CHECK(program.node == "from-file");
    CHECK(program.port == 8);
    CHECK(program.ttl == 90s);
    CHECK(program.labels == std::vector<std::string>{"a=b", "c=d"});
    CHECK(program.verbose);
}

TEST_CASE("command line: wrong usage and configuration exit with 2 and do not run", "[config]") {
    for (const char* text :
         {"nonsense: 1\n", "port: many\n", "log-format: xml\n", "ttl: soon\n", "port: [1, 2]\n",
          "a: [\n", "- x\n", "port: {a: 1}\n", "port: 1\nport: 2\n", "config: x\n"}) {
        const TempFile file(text);
        Program program;
        CHECK(program.run({"--config", file.path.c_str()}) == kExitUsage);
        CHECK_FALSE(program.ran);
    }
    Program program;
    CHECK(program.run({"--no-such-flag"}) == kExitUsage);
    CHECK(program.run({"--config", "/nonexistent/farhold.yaml"}) == kExitUsage);
    CHECK_FALSE(program.ran);
}

TEST_CASE("command line: a default configuration file may be absent", "[config]") {
    Program program;
    program.config = "/nonexistent/farhold.yaml";
    CHECK(program.run({}) == kExitDone);
    CHECK(program.ran);
}

TEST_CASE("yaml settings: errors name file, line and key", "[config]") {
    const auto nested = parse_yaml_settings("a: 1\nb:\n  c: 2\n", "f.yaml");
    REQUIRE_FALSE(nested);
    CHECK(nested.error().message() == "f.yaml:2: b: a mapping is not expected here");
    const auto twice = parse_yaml_settings("a: 1\na: 2\n", "f.yaml");
    REQUIRE_FALSE(twice);
    CHECK(twice.error().message() == "f.yaml:2: a: given twice");
}

TEST_CASE("durations: need a unit and add up", "[config]") {
    CHECK(parse_duration("1h30m") == 90min);
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("2d") == 48h);
    for (const char* bad : {"", "5", "s", "5x", "-3s", "1h 2m", "99999999999999999h"}) {
        CHECK_FALSE(parse_duration(bad));
    }
}

TEST_CASE("yaml settings: aliases are refused, since they can make a file grow", "[config]") {
    const auto settings = parse_yaml_settings("a: &x long\nb: [*x, *x]\n", "edge.yaml");
    REQUIRE_FALSE(settings);
    CHECK(settings.error().message() == "edge.yaml:2: aliases (*name) are not allowed");
}
