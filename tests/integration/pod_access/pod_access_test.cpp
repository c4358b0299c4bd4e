// SPDX-License-Identifier: Apache-2.0
//
// What a person with kubectl does to a pod on a machine that only dials out: logs, exec, cp,
// port-forward, and what monitoring reads of the node. With real containers and the kubectl that is
// installed.
#include "common/json/value.hpp"
#include "tests/support/rig/site.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <regex>

using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using farhold::json::Value;

namespace {

constexpr std::size_t kBlobBytes = 5'000'000;

std::vector<std::string> kubectl(const Site& site, std::vector<std::string> arguments) {
    std::vector<std::string> argv{
        "timeout", "60", "kubectl", "--kubeconfig", site.cloud.kubeconfig()
    };
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
}

// Of a fixed seed; no two places alike.
std::string blob() {
    std::mt19937_64 random(1);
    std::string bytes;
    while (bytes.size() < kBlobBytes) {
        const std::uint64_t word = random();
        bytes.append(reinterpret_cast<const char*>(&word), sizeof word);  // NOLINT
    }
    return bytes;
}

std::string sum(const std::string& bytes) {
    return run({"md5sum"}, bytes).substr(0, 32);
}

void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

// A kubectl that goes on, and what it has said.
class Session {
public:
    Session(const Site& site, const std::string& name, std::vector<std::string> arguments)
        : log_(site.folder() + "/" + name) {
        process_ = std::make_unique<Process>(ProcessOptions{
            .argv = kubectl(site, std::move(arguments)),
            .wrapper = {},
            .environment = {},
            .log = log_,
            .network_namespace = {},
        });
    }

    std::string said() const { return read_text(log_); }
    Process& process() { return *process_; }

private:
    std::string log_;
    std::unique_ptr<Process> process_;
};

void wait_for_text(const Session& session, const std::string& text) {
    wait_until("kubectl says " + text, 30s, [&] { return session.said().contains(text); });
}

}  // namespace

TEST_CASE("pod access: logs, whole, in part, and as they are written", "[access]") {
    Site site;
    site.run_pod(
        "talker",
        {.command = "echo one; echo two; echo three; while [ ! -e /stop ]; do "
                    "if [ -e /say ]; then echo four; rm /say; fi; sleep 0.1; done; echo last"}
    );
    wait_until("all three lines are there", 20s, [&] {
        return run(kubectl(site, {"logs", "talker"})) == "one\ntwo\nthree\n";
    });
    CHECK(run(kubectl(site, {"logs", "talker", "--tail=1"})) == "three\n");
    CHECK(run(kubectl(site, {"logs", "talker", "--tail=0"})).empty());
    CHECK(run(kubectl(site, {"logs", "talker", "--limit-bytes=5"})) == "one\nt");
    CHECK(
        run(kubectl(site, {"logs", "talker", "--since=1h", "-c", "main"})) == "one\ntwo\nthree\n"
    );
    const std::string timed = run(kubectl(site, {"logs", "talker", "--tail=1", "--timestamps"}));
    CHECK(std::regex_match(timed, std::regex(R"(20\d\d-\d\d-\d\dT[\d:]+\.\d+\S+ three\n)")));
    const Outcome previous = run_to_end(kubectl(site, {"logs", "talker", "-p"}));
    CHECK(previous.exit_code == 1);
    CHECK(previous.output.contains(
        "previous terminated container \"main\" in pod \"talker\" not found"
    ));
    const Outcome wrong = run_to_end(kubectl(site, {"logs", "talker", "-c", "x"}));
    CHECK(wrong.exit_code == 1);
    CHECK(wrong.output.contains("container x is not valid for pod talker"));

    Session follower(site, "follower", {"logs", "-f", "talker"});
    wait_for_text(follower, "three\n");
    run(kubectl(site, {"exec", "talker", "--", "touch", "/say"}));
    wait_for_text(follower, "four\n");
    run(kubectl(site, {"exec", "talker", "--", "touch", "/stop"}));
    CHECK(follower.process().wait_for(60s) == 0);
    CHECK(follower.said() == "one\ntwo\nthree\nfour\nlast\n");
}

TEST_CASE("pod access: commands with their streams and exit codes, and copies", "[access]") {
    Site site;
    site.run_pod("box");
    const Outcome failed = run_to_end(
        kubectl(site, {"exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7"})
    );
    CHECK(failed.exit_code == 7);
    CHECK(failed.output.contains("out\n"));
    CHECK(failed.output.contains("err\n"));
    const Outcome missing = run_to_end(kubectl(site, {"exec", "box", "--", "no-such-program"}));
    CHECK(missing.exit_code != 0);
    CHECK(missing.output.contains("no-such-program"));

    const std::string bytes = blob();
    const std::string wanted = sum(bytes);
    CHECK(run(kubectl(site, {"exec", "-i", "box", "--", "md5sum"}), bytes).starts_with(wanted));
    const std::string there = site.folder() + "/there";
    const std::string back = site.folder() + "/back";
    write(there, bytes);
    run(kubectl(site, {"cp", there, "box:/tmp/blob"}));
    run(kubectl(site, {"cp", "box:/tmp/blob", back}));
    CHECK(sum(read_text(back)) == wanted);

    wait_until("cloudcore's log tells who did what", 10s, [&] {
        return site.cloud.log().contains(
            "user=admin peer=127.0.0.1 node=edge-1 asked=exec namespace=default pod=box "
            "container=main command=md5sum bytesIn="
        );
    });
}

TEST_CASE("pod access: a pod's port, many connections at once", "[access]") {
    Site site;
    const std::string page = site.folder() + "/page";
    site.run_pod(
        "web", {.command = "mkdir /www; yes 0123456789 | head -c 3000000 > /www/f; "
                           "exec httpd -f -p 8080 -h /www"}
    );
    Session forward(site, "forward", {"port-forward", "pod/web", ":8080"});
    wait_for_text(forward, "Forwarding from 127.0.0.1:");
    const std::string said = forward.said();
    std::smatch port;
    REQUIRE(std::regex_search(said, port, std::regex(R"(127\.0\.0\.1:(\d+))")));
    const std::string url = fmt::format("http://127.0.0.1:{}/f", port[1].str());
    const std::string command = fmt::format(
        "for i in 1 2 3 4 5 6 7 8; do curl -sS --retry 20 --retry-connrefused --max-time 40 {} "
        "| md5sum & done; wait",
        url
    );
    const std::string sums = run({"sh", "-c", command});
    const std::string wanted =
        run({"sh", "-c", "yes 0123456789 | head -c 3000000 | md5sum"}).substr(0, 32);
    std::size_t right = 0;
    for (std::size_t at = sums.find(wanted); at != std::string::npos;
         at = sums.find(wanted, at + 1)) {
        ++right;
    }
    CHECK(right == 8);
}

TEST_CASE("pod access: what monitoring reads of a node", "[access]") {
    Site site;
    site.run_pod("box");
    const auto proxy = [&](const std::string& path) {
        return run(kubectl(site, {"get", "--raw", "/api/v1/nodes/edge-1/proxy/" + path}));
    };
    CHECK(proxy("healthz") == "ok");
    CHECK(proxy("metrics").contains("\nfarhold_"));
    CHECK(proxy("metrics/resource").contains("\nnode_cpu_usage_seconds_total "));
    CHECK(proxy("configz").contains("containerRuntimeEndpoint"));
    CHECK(proxy("pods").contains(R"("name":"box")"));
    wait_until("the pod's use is measured", 30s, [&] {
        const auto summary = Value::parse(proxy("stats/summary"));
        return summary && summary->elements_at({"pods"}).size() == 1;
    });
    CHECK(
        run_to_end(kubectl(site, {"get", "--raw", "/api/v1/nodes/edge-1/proxy/x"})).exit_code == 1
    );
}

TEST_CASE("pod access: who follows a log learns of a cut, and begins anew after it", "[access]") {
    Site site;
    site.run_pod("box", {.command = "echo hello; exec sleep 1000000"});
    Session follower(site, "cut-follower", {"logs", "-f", "box"});
    wait_for_text(follower, "hello\n");
    site.machine.kill();
    CHECK(follower.process().wait_for(30s).has_value());
    const Outcome away = run_to_end(kubectl(site, {"logs", "box"}));
    CHECK(away.exit_code == 1);
    CHECK(away.output.contains("edge-1"));
    site.machine.start();
    wait_until("its log can be read again", 60s, [&] {
        const Outcome again = run_to_end(kubectl(site, {"logs", "box"}));
        return again.exit_code == 0 && again.output == "hello\n";
    });
    site.require_healed();
}
