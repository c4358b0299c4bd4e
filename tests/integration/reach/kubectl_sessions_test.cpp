// SPDX-License-Identifier: Apache-2.0
//
// Stock kubectl against the embedded API and a machine in memory: that both of its languages, SPDY and
// WebSockets, arrive as what a container runtime understands. Versions that know only SPDY speak it
// twice.
#include "cloudcore/apiserver/api_server.hpp"
#include "common/async/event.hpp"
#include "common/base/random.hpp"
#include "common/json/value.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "fake_machine.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/rig/process.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/post.hpp>

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

using namespace farhold;        // NOLINT(google-build-using-namespace)
using namespace farhold::test;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

constexpr auto kObjects = R"({"apiVersion":"v1","kind":"List","items":[
    {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}},
    {"apiVersion":"v1","kind":"Node","metadata":{"name":"robot-7"}},
    {"apiVersion":"v1","kind":"Node","metadata":{"name":"robot-8"}},
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"hello"},"spec":{"nodeName":"robot-7",
        "containers":[{"name":"main","image":"none"}]}},
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"away"},"spec":{"nodeName":"robot-8",
        "containers":[{"name":"main","image":"none"}]}}]})";

class Kubectl {
public:
    explicit Kubectl(const std::string& folder) : folder_(folder) {}

    void speak(bool websockets) { websockets_ = websockets; }

    [[nodiscard]] Words words(Words arguments) const {
        const std::string yes = websockets_ ? "true" : "false";
        Words all{
            "env",
            "KUBECTL_REMOTE_COMMAND_WEBSOCKETS=" + yes,
            "KUBECTL_PORT_FORWARD_WEBSOCKETS=" + yes,
            "kubectl",
            "--kubeconfig",
            folder_ + "/admin.kubeconfig",
            "--cache-dir",
            folder_ + "/cache"
        };
        all.insert(all.end(), arguments.begin(), arguments.end());
        return all;
    }
    [[nodiscard]] Outcome ask(Words arguments, const std::string& input = {}) const {
        return run_to_end(words(std::move(arguments)), input);
    }
    [[nodiscard]] const std::string& folder() const { return folder_; }

private:
    std::string folder_;
    bool websockets_ = true;
};

// kubectl forwards to Pods that run only.
Task<> prepare(kubeapi::KubeClient& client) {
    const json::Value objects = json::Value::parse(kObjects).value();
    for (const json::Value& object : objects.elements_at({"items"})) {
        const std::string_view kind = object.text_at({"kind"});
        const kubeapi::ResourceRef resource = kind == "Pod"    ? kubeapi::kPods
                                              : kind == "Node" ? kubeapi::kNodes
                                                               : kubeapi::kNamespaces;
        const std::string ns = kind == "Pod" ? "default" : "";
        json::Value copy = object;
        const auto created = co_await client.create(resource, ns, std::move(copy));
        REQUIRE(created);
    }
    kubeapi::Patch running{
        .subresource = "status",
        .type = kubeapi::PatchType::merge,
        .body = json::Value::parse(R"({"status":{"phase":"Running"}})").value(),
    };
    const auto patched =
        co_await client.patch(kubeapi::kPods, "default", "hello", std::move(running));
    REQUIRE(patched);
}

// Runs the body on a thread of its own while the API serves on this one.
template <class Body>
void with_api(Body body) {
    if (run_to_end({"sh", "-c", "command -v kubectl"}).exit_code != 0) {
        skip_tests("kubectl is not installed");
    }
    const TempDir temp;
    run_task([&]() -> Task<> {
        const Executor executor = co_await this_executor;
        const SystemClock clock;
        metrics::Registry metrics;
        FakeMachine machine(executor);
        const auto dir = datadir::DataDir::open(temp.path()).value();
        auto api = co_await apiserver::ApiServer::start(
            dir, {"127.0.0.1", 0}, clock, metrics, log::Logger()
        );
        REQUIRE(api);
        co_await prepare((*api)->client());
        (*api)->reach_machines(&machine);
        Event ended(executor);
        std::exception_ptr failure;
        std::jthread thread([&] {
            try {
                body(Kubectl(temp.path()));
            } catch (...) {
                failure = std::current_exception();
            }
            boost::asio::post(executor, [&ended] { ended.set(); });
        });
        co_await ended.wait();
        co_await (*api)->stop(1s);
        co_await machine.stop();
        if (failure) std::rethrow_exception(failure);
    });
}

void require_done(const Outcome& outcome) {
    INFO(outcome.output);
    REQUIRE(outcome.exit_code == 0);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string noise(std::size_t count) {
    Random random = Random::from_system();
    std::string bytes(count, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.between(0, 255));
    return bytes;
}

void check_sessions(const Kubectl& kubectl) {
    // Through files, since bytes of any kind go both ways; its end is what ends cat.
    const std::string sent = noise(5'000'000);
    std::ofstream(kubectl.folder() + "/sent", std::ios::binary) << sent;
    std::string command;
    for (const std::string& word : kubectl.words({"exec", "-i", "hello", "--", "cat"})) {
        command += word + " ";
    }
    command += "<" + kubectl.folder() + "/sent >" + kubectl.folder() + "/received";
    require_done(run_to_end({"sh", "-c", command}));
    CHECK((read_file(kubectl.folder() + "/received") == sent));

    const Outcome failed = kubectl.ask({"exec", "hello", "--", "exit", "3"});
    INFO(failed.output);
    CHECK(failed.exit_code == 3);
    CHECK(failed.output.contains("going\n"));

    // `script` gives it a terminal.
    command = "stty rows 33 cols 77; ";
    for (const std::string& word : kubectl.words({"exec", "-it", "hello", "--", "size"})) {
        command += word + " ";
    }
    const Outcome sized = run_to_end({"script", "-qec", command, "/dev/null"});
    INFO(sized.output);
    CHECK(sized.exit_code == 0);
    CHECK(sized.output.contains(R"({"Width":77,"Height":33})"));

    const Outcome away = kubectl.ask({"exec", "away", "--", "cat"});
    CHECK(away.exit_code != 0);
    CHECK(away.output.contains("node is not connected"));
}

void check_port_forward(const Kubectl& kubectl) {
    ProcessOptions options;
    options.argv = kubectl.words({"port-forward", "pod/hello", ":80"});
    options.log = kubectl.folder() + "/forward.log";
    Process forward(options);
    std::string port;
    wait_until("kubectl forwards", 30s, [&] {
        const std::string log = read_file(options.log);
        const std::string begin = "Forwarding from 127.0.0.1:";
        const auto at = log.find(begin);
        if (at == std::string::npos) return false;
        port = log.substr(at + begin.size(), log.find(' ', at + begin.size()) - at - begin.size());
        return true;
    });
    // Several at once; each gets what it said and, after its own end, the last word.
    const std::string one =
        "import socket,sys; s=socket.create_connection(('127.0.0.1'," + port +
        ")); d=sys.argv[1].encode()*20000; "
        "import threading; t=threading.Thread(target=lambda:(s.sendall(d),s.shutdown(1))); "
        "t.start(); "
        "r=b''.join(iter(lambda:s.recv(65536),b'')); t.join(); sys.exit(r!=d+b'bye\\n')";
    const std::string all =
        "for i in 1 2 3 4 5 6 7 8; do python3 -c \"$0\" \"part $i\" & pids=\"$pids $!\"; done; "
        "for p in $pids; do wait $p || exit 1; done";
    require_done(run_to_end({"sh", "-c", all, one}));
    std::filesystem::remove(options.log);
}

}  // namespace

TEST_CASE("kubectl's sessions with a container arrive in both of its languages", "[reach]") {
    with_api([](Kubectl kubectl) {
        for (const bool websockets : {true, false}) {
            INFO("WebSockets: " << websockets);
            kubectl.speak(websockets);
            check_sessions(kubectl);
            check_port_forward(kubectl);
        }
    });
}

TEST_CASE("kubectl reads logs and asks a machine through the node proxy", "[reach]") {
    with_api([](const Kubectl& kubectl) {
        const Outcome logs = kubectl.ask({"logs", "hello", "--tail=5", "--timestamps"});
        CHECK(logs.exit_code == 0);
        CHECK(
            logs.output == "log of /containerLogs/default/hello/main?tailLines=5&timestamps=true\n"
        );
        const Outcome health = kubectl.ask({"get", "--raw", "/api/v1/nodes/robot-7/proxy/healthz"});
        CHECK(health.output == "ok");
        const Outcome unknown = kubectl.ask({"logs", "hello", "-c", "other"});
        CHECK(unknown.exit_code != 0);
        CHECK(unknown.output.contains("container other is not valid for pod hello"));
        const Outcome away = kubectl.ask({"logs", "away"});
        CHECK(away.exit_code != 0);
        CHECK(away.output.contains("node is not connected"));
    });
}
