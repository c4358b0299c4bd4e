// SPDX-License-Identifier: Apache-2.0
//
// Plugins are shell scripts that count how often they are run.
#include "cloudcore/kube/plugin_credentials.hpp"

#include "cloudcore/kube/child_process.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "common/datadir/data_dir.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace std::chrono_literals;

namespace {

class ManualClock final : public Clock {
public:
    Now now() const override { return time; }
    void pass(Duration duration) {
        time.mono += duration;
        time.wall += duration;
    }

    Now time{Instant(1h), WallTime(1h)};
};

// Says a new token at each run, for an hour.
constexpr const char* kGood = R"(
echo run >> "$RUNS"
count=$(wc -l < "$RUNS")
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
echo '"status":{"token":"t'"$count"'","expirationTimestamp":"1970-01-01T0'"$count"':30:00Z"}}'
)";

struct Site {
    kubeconfig::Kubeconfig config(const std::string& script) {
        kubeconfig::CredentialPlugin plugin;
        plugin.api_version = "client.authentication.k8s.io/v1";
        plugin.command = "sh";
        plugin.arguments = {"-c", script};
        plugin.environment = {{"RUNS", dir.file("runs")}};
        plugin.install_hint = "  see https://example.org\n";
        kubeconfig::Kubeconfig config;
        config.plugin = std::move(plugin);
        return config;
    }

    std::size_t runs() const {
        return datadir::read_file(dir.file("runs")).value_or("").size() / 4;
    }

    test::TempDir dir;
    ManualClock clock;
};

Task<std::string> token(kube::PluginCredentials& credentials) {
    const auto given = co_await credentials.current("CA");
    co_return given ? given->token : given.error().message();
}

Task<> add_token(kube::PluginCredentials& credentials, std::vector<std::string>& tokens) {
    tokens.push_back(co_await token(credentials));
}

Task<> run_and_forget(kube::Program program) {
    [[maybe_unused]] const auto outcome = co_await kube::run_program(std::move(program));
}

Task<> until_written(std::string path) {
    Event never(co_await this_executor);
    while (!datadir::read_file(path).value_or("").ends_with('\n')) co_await never.wait_for(1ms);
}

// Or a zombie that nobody has collected yet.
Task<> until_dead(std::string pid) {
    Event never(co_await this_executor);
    while (true) {
        const std::string stat = datadir::read_file("/proc/" + pid + "/stat").value_or(") Z");
        if (stat[stat.rfind(')') + 2] == 'Z') co_return;
        co_await never.wait_for(1ms);
    }
}

kube::Program shell(const std::string& script) {
    return {{"/bin/sh", "-c", script}, {{"GIVEN", "yes"}}, 30s, 100};
}

}  // namespace

TEST_CASE("plugin_credentials: are kept until they expire or are refused", "[kube]") {
    Site site;
    test::run_task([&]() -> Task<> {
        kube::PluginCredentials credentials(site.config(kGood), site.clock);
        CHECK(co_await token(credentials) == "t1");
        site.clock.pass(29min);
        CHECK(co_await token(credentials) == "t1");
        site.clock.pass(1min);
        CHECK(co_await token(credentials) == "t2");
        credentials.refused();  // Of what was there before.
        CHECK(co_await token(credentials) == "t2");
        site.clock.pass(2s);
        credentials.refused();
        CHECK(co_await token(credentials) == "t3");
        CHECK(site.runs() == 3);
    });
}

TEST_CASE("plugin_credentials: the program is run once for all who wait", "[kube]") {
    Site site;
    test::run_task([&]() -> Task<> {
        kube::PluginCredentials credentials(site.config(kGood), site.clock);
        std::vector<std::string> tokens;
        TaskGroup group(co_await this_executor);
        for (int i = 0; i < 3; ++i) group.spawn(add_token(credentials, tokens));
        co_await group.join();
        CHECK(tokens == std::vector<std::string>{"t1", "t1", "t1"});
        CHECK(site.runs() == 1);
    });
}

TEST_CASE(
    "plugin_credentials: a failure is told with the program's words, and not repeated at once",
    "[kube]"
) {
    Site site;
    test::run_task([&]() -> Task<> {
        kube::PluginCredentials credentials(
            site.config("echo run >> \"$RUNS\"; echo 'log in first' >&2; exit 3"), site.clock
        );
        for (int i = 0; i < 2; ++i) {
            const std::string message = co_await token(credentials);
            CHECK(message == "credential plugin sh: it ended with exit code 3: log in first");
        }
        CHECK(site.runs() == 1);
        site.clock.pass(2s);
        co_await token(credentials);
        CHECK(site.runs() == 2);
    });
}

TEST_CASE("plugin_credentials: a missing program is told with how to get it", "[kube]") {
    Site site;
    test::run_task([&]() -> Task<> {
        auto config = site.config("");
        config.plugin->command = site.dir.file("nothing");
        kube::PluginCredentials credentials(std::move(config), site.clock);
        const std::string message = co_await token(credentials);
        CHECK(message.ends_with("No such file or directory: see https://example.org"));
    });
}

TEST_CASE("plugin_credentials: the program is told what it is for", "[kube]") {
    Site site;
    test::run_task([&]() -> Task<> {
        kube::PluginCredentials credentials(
            site.config("echo \"$KUBERNETES_EXEC_INFO\" >&2; echo '{}'"), site.clock
        );
        const std::string message = co_await token(credentials);
        CHECK(message.contains(R"("spec":{"interactive":false})"));
    });
}

TEST_CASE("child_process: gives both outputs, the environment and how it ended", "[kube]") {
    test::run_task([&]() -> Task<> {
        const auto good = co_await kube::run_program(shell("cat; echo $GIVEN; echo bad >&2"));
        REQUIRE(good);
        CHECK(good->output == "yes\n");
        CHECK(good->errors == "bad\n");
        CHECK(good->failure.empty());
        const auto killed = co_await kube::run_program(shell("kill -9 $$"));
        REQUIRE(killed);
        CHECK(killed->failure == "it was ended by signal 9");
        const auto endless = co_await kube::run_program(shell("head -c 200 /dev/zero"));
        REQUIRE_FALSE(endless);
        CHECK(endless.error().code() == ErrorCode::resource_exhausted);
    });
}

TEST_CASE("child_process: what does not end in time is an error", "[kube]") {
    test::run_task([&]() -> Task<> {
        kube::Program program = shell("exec tail -f /dev/null");
        program.timeout = 10ms;
        const auto outcome = co_await kube::run_program(std::move(program));
        REQUIRE_FALSE(outcome);
        CHECK(outcome.error().code() == ErrorCode::deadline);
    });
}

TEST_CASE("child_process: is killed with all it started when nobody waits any more", "[kube]") {
    const test::TempDir dir;
    const std::string path = dir.file("child");
    test::run_task([&]() -> Task<> {
        kube::Program program = shell("tail -f /dev/null & echo $! > " + path + "; wait");
        co_await race(run_and_forget(std::move(program)), until_written(path));
        const std::string pid = datadir::read_file(path).value();
        co_await until_dead(pid.substr(0, pid.find('\n')));
    });
}
