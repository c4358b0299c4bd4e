// SPDX-License-Identifier: Apache-2.0
//
// CriRuntime against a real containerd with real containers.
#include "edgecore/runtime/cri_runtime.hpp"

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/async/timeout.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/containerd/containerd_fixture.hpp"
#include "tests/support/rig/cloud.hpp"
#include "tests/support/run_task.hpp"

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::runtime;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;

namespace {

constexpr auto kStore = "11111111-2222-3333-4444-555555555555";

// One containerd for all the tests of this file; each uses pods of its own.
test::ContainerdFixture& containerd() {
    static test::ContainerdFixture fixture;
    return fixture;
}

template <class T>
T must(Result<T> result) {
    if (!result) {
        throw std::runtime_error(result.error().message());
    }
    if constexpr (!std::is_void_v<T>) {
        return *std::move(result);
    }
}

template <class Body>
void with_runtime(const std::string& store, Body body) {
    test::run_task([&]() -> Task<> {
        CriOptions options{.endpoint = "unix://" + containerd().socket(), .store_uuid = store};
        CriRuntime runtime(co_await this_executor, std::move(options), log::Logger());
        std::exception_ptr failure;
        try {
            co_await body(runtime);
        } catch (...) {
            failure = std::current_exception();
        }
        co_await runtime.close();
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
}

SandboxConfig sandbox_config(const std::string& name) {
    SandboxConfig config;
    config.pod = {"default", name, "uid-of-" + name};
    config.hostname = name;
    config.log_directory = containerd().folder() + "/logs/" + name;
    config.cgroup_parent = containerd().cgroup_parent() + "/" + name;
    return config;
}

ContainerConfig shell(const std::string& script) {
    ContainerConfig config;
    config.name = "main";
    config.image = test::ContainerdFixture::kBusybox;
    config.image_name = test::ContainerdFixture::kBusybox;
    config.command = {"/bin/sh", "-c"};
    config.args = {script};
    config.log_path = "main/0.log";
    config.spec_hash = "hash-1";
    return config;
}

struct Pod {
    SandboxConfig sandbox;
    std::string sandbox_id;
    std::string container_id;
};

Task<Pod> run_pod(CriRuntime& runtime, SandboxConfig sandbox, ContainerConfig container) {
    Pod pod;
    pod.sandbox_id = must(co_await runtime.run_sandbox(sandbox));
    pod.container_id = must(co_await runtime.create_container(pod.sandbox_id, container, sandbox));
    must(co_await runtime.start_container(pod.container_id));
    pod.sandbox = std::move(sandbox);
    co_return std::move(pod);
}

Task<> remove_pod(CriRuntime& runtime, std::string sandbox_id) {
    must(co_await runtime.stop_sandbox(sandbox_id));
    must(co_await runtime.remove_sandbox(sandbox_id));
}

// By polling: what events are for is tested on its own.
Task<ContainerStatus> wait_until_exited(CriRuntime& runtime, std::string id) {
    Event pause(co_await this_executor);
    for (;;) {
        auto status = must(co_await runtime.container_status(id));
        if (status.container.state == ContainerState::exited) {
            co_return std::move(status);
        }
        co_await pause.wait_for(10ms);
    }
}

std::string log_of(const ContainerStatus& status) {
    std::ifstream file(status.log_path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// What the script writes, in a pod of its own.
Task<std::string> output_of(CriRuntime& runtime, SandboxConfig sandbox, ContainerConfig container) {
    const auto pod = co_await run_pod(runtime, std::move(sandbox), std::move(container));
    const auto status = co_await wait_until_exited(runtime, pod.container_id);
    auto output = log_of(status);
    co_await remove_pod(runtime, pod.sandbox_id);
    co_return std::move(output);
}

}  // namespace

TEST_CASE("cri_runtime: tells version and conditions", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto info = must(co_await runtime.version());
        CHECK(info.name == "containerd");
        CHECK(info.api_version == "v1");
        const auto status = must(co_await runtime.status());
        CHECK(status.runtime.ready);
        INFO(status.network.message);
        CHECK(status.network.ready);
    });
}

TEST_CASE("cri_runtime: runs a pod on the bridge and tells how its container ended", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        auto config = sandbox_config("bridge");
        config.labels = {{"app", "hello"}};
        config.annotations = {{"example.org/note", "kept"}};
        const auto pod =
            co_await run_pod(runtime, config, shell("echo to stdout; echo to stderr >&2; exit 3"));
        const auto sandbox = must(co_await runtime.sandbox_status(pod.sandbox_id));
        CHECK(sandbox.sandbox.state == SandboxState::ready);
        CHECK(sandbox.ip.starts_with("10."));
        CHECK(sandbox.sandbox.pod == config.pod);

        const auto status = co_await wait_until_exited(runtime, pod.container_id);
        CHECK(status.exit_code == 3);
        CHECK(status.reason == "Error");
        CHECK(status.started_at.has_value());
        CHECK(status.finished_at.has_value());
        CHECK(status.log_path == config.log_directory + "/main/0.log");
        CHECK(log_of(status).contains(" stdout F to stdout\n"));
        CHECK(log_of(status).contains(" stderr F to stderr\n"));

        const auto state = must(co_await runtime.list());
        REQUIRE(state.sandboxes.size() == 1);
        CHECK(state.sandboxes[0].labels.at("app") == "hello");
        CHECK(state.sandboxes[0].labels.at("io.kubernetes.pod.uid") == config.pod.uid);
        CHECK(state.sandboxes[0].annotations.at("example.org/note") == "kept");
        REQUIRE(state.containers.size() == 1);
        CHECK(state.containers[0].sandbox_id == pod.sandbox_id);
        CHECK(state.containers[0].name == "main");
        CHECK(state.containers[0].pod == config.pod);
        CHECK(state.containers[0].spec_hash == "hash-1");
        CHECK(state.containers[0].state == ContainerState::exited);

        must(co_await runtime.remove_container(pod.container_id));
        co_await remove_pod(runtime, pod.sandbox_id);
        const auto after = must(co_await runtime.list());
        CHECK(after.sandboxes.empty());
        CHECK(after.containers.empty());
        // Again is no error.
        co_await remove_pod(runtime, pod.sandbox_id);
    });
}

TEST_CASE("cri_runtime: sees only what belongs to its own store", "[runtime]") {
    with_runtime("another-store", [](CriRuntime& other) -> Task<> {
        const auto config = sandbox_config("theirs");
        const auto id = must(co_await other.run_sandbox(config));
        CriOptions options{.endpoint = containerd().socket(), .store_uuid = kStore};
        CriRuntime ours(co_await this_executor, std::move(options), log::Logger());
        const auto state = must(co_await ours.list());
        CHECK(state.sandboxes.empty());
        co_await ours.close();
        co_await remove_pod(other, id);
    });
}

TEST_CASE("cri_runtime: a name that is taken is already_exists", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto config = sandbox_config("taken");
        const auto pod = co_await run_pod(runtime, config, shell("sleep 1000"));
        const auto again = co_await runtime.run_sandbox(config);
        REQUIRE(!again);
        CHECK(again.error().code() == ErrorCode::already_exists);
        const auto container = shell("true");
        const auto second = co_await runtime.create_container(pod.sandbox_id, container, config);
        REQUIRE(!second);
        CHECK(second.error().code() == ErrorCode::already_exists);
        co_await remove_pod(runtime, pod.sandbox_id);
    });
}

TEST_CASE("cri_runtime: what is not there is not_found", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto status = co_await runtime.container_status("nothing");
        REQUIRE(!status);
        CHECK(status.error().code() == ErrorCode::not_found);
        const auto image = must(co_await runtime.image_status("localhost/farhold/absent:1"));
        CHECK(!image);
        const auto present = must(co_await runtime.image_status(test::ContainerdFixture::kBusybox));
        REQUIRE(present);
        CHECK(present->tags == std::vector<std::string>{test::ContainerdFixture::kBusybox});
        CHECK(present->bytes > 0);
        const auto images = must(co_await runtime.list_images());
        CHECK(images.size() >= 2);
        const auto filesystems = must(co_await runtime.image_filesystems());
        CHECK(!filesystems.empty());
    });
}

TEST_CASE("cri_runtime: a command that is not there ends as StartError", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto config = sandbox_config("nocommand");
        const auto sandbox = must(co_await runtime.run_sandbox(config));
        auto container = shell("");
        container.command = {"/bin/absent"};
        container.args = {};
        const auto id = must(co_await runtime.create_container(sandbox, container, config));
        const auto started = co_await runtime.start_container(id);
        CHECK(!started);
        const auto status = must(co_await runtime.container_status(id));
        CHECK(status.container.state == ContainerState::exited);
        CHECK(status.reason == "StartError");
        CHECK(status.exit_code == 128);
        CHECK(!status.started_at.has_value());
        co_await remove_pod(runtime, sandbox);
    });
}

TEST_CASE("cri_runtime: applies what the pod asks for", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        auto config = sandbox_config("asks");
        config.dns = DnsConfig{{"192.0.2.53"}, {"example.org"}, {"ndots:5"}};
        config.sysctls = {{"net.ipv4.ip_unprivileged_port_start", "80"}};
        config.namespaces.share_processes = true;
        auto container = shell(
            "hostname; cat /etc/resolv.conf; id -u; id -g; echo $GREETING; cat /data/file;"
            "touch /in-root 2>&1; touch /data/file 2>&1;"
            "cat /proc/sys/net/ipv4/ip_unprivileged_port_start;"
            "grep -E 'NoNewPrivs|Seccomp:|CapEff' /proc/self/status; cat /proc/1/comm;"
            "pwd; ls -c /proc/keys; cat /proc/keys; ls -l /dev/farhold"
        );
        const auto folder = containerd().folder() + "/data";
        std::filesystem::create_directories(folder);
        std::ofstream(folder + "/file") << "mounted\n";
        container.mounts = {{.container_path = "/data", .host_path = folder, .read_only = true}};
        container.env = {{"GREETING", "hello there"}};
        container.devices = {{"/dev/farhold", "/dev/null", "rw"}};
        container.working_dir = "/tmp";
        container.resources.memory_limit_bytes = std::int64_t{64} << 20;
        container.resources.cpu_shares = 100;
        container.security.run_as_user = 1234;
        container.security.run_as_group = 2345;
        container.security.read_only_root = true;
        container.security.no_new_privileges = true;
        container.security.drop_capabilities = {"ALL"};
        container.security.seccomp = SeccompProfile{};
        const auto output = co_await output_of(runtime, config, container);
        INFO(output);
        CHECK(output.contains(" asks\n"));
        CHECK(output.contains("nameserver 192.0.2.53"));
        CHECK(output.contains("search example.org"));
        CHECK(output.contains("options ndots:5"));
        CHECK(output.contains(" F 1234\n"));
        CHECK(output.contains(" F 2345\n"));
        CHECK(output.contains(" F hello there\n"));
        CHECK(output.contains(" F mounted\n"));
        CHECK(output.contains("/in-root: Read-only file system"));
        CHECK(output.contains("/data/file: Read-only file system"));
        CHECK(output.contains(" F 80\n"));
        CHECK(output.contains("NoNewPrivs:\t1"));
        CHECK(output.contains("Seccomp:\t2"));
        CHECK(output.contains("CapEff:\t0000000000000000"));
        CHECK(output.contains(" F pause\n"));
        CHECK(output.contains(" F /tmp\n"));
        CHECK(output.contains("/dev/farhold"));
        CHECK(!output.contains("keyring"));
    });
}

TEST_CASE("cri_runtime: a privileged container on the host's namespaces", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        auto config = sandbox_config("host");
        config.privileged = true;
        config.namespaces.host_network = true;
        config.namespaces.host_pid = true;
        auto container =
            shell("cat /proc/1/comm; ls /sys/class/net; grep Seccomp: /proc/self/status");
        container.security.privileged = true;
        const auto output = co_await output_of(runtime, config, container);
        std::ifstream first("/proc/1/comm");
        std::string comm;
        std::getline(first, comm);
        CHECK(output.contains(" F " + comm + "\n"));
        CHECK(output.contains("Seccomp:\t0"));
        CHECK(output.contains("fht"));  // The fixture's bridge is the host's.
    });
}

TEST_CASE("cri_runtime: publishes a port of the pod on the host", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        auto config = sandbox_config("port");
        const int host_port = test::free_port();
        config.port_mappings = {{.container_port = 80, .host_port = host_port, .host_ip = {}}};
        const auto pod = co_await run_pod(
            runtime, config, shell("mkdir -p /www; echo served > /www/index.html; httpd -f -h /www")
        );
        auto client = sandbox_config("port-client");
        client.namespaces.host_network = true;
        const auto output = co_await output_of(
            runtime, client,
            shell(
                "for i in 1 2 3 4 5 6 7 8 9; do wget -q -O - http://127.0.0.1:" +
                std::to_string(host_port) + "/ && break; sleep 0.2; done"
            )
        );
        INFO(output);
        CHECK(output.contains("served"));
        co_await remove_pod(runtime, pod.sandbox_id);
    });
}

TEST_CASE("cri_runtime: stops a container within its grace, or kills it", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto config = sandbox_config("grace");
        const auto pod = co_await run_pod(
            runtime, config, shell("trap 'exit 7' TERM; while true; do sleep 0.1; done")
        );
        must(co_await runtime.stop_container(pod.container_id, 10s));
        const auto polite = must(co_await runtime.container_status(pod.container_id));
        CHECK(polite.exit_code == 7);

        auto container = shell("trap '' TERM; while true; do sleep 1; done");
        container.attempt = 1;
        const auto deaf =
            must(co_await runtime.create_container(pod.sandbox_id, container, config));
        must(co_await runtime.start_container(deaf));
        must(co_await runtime.stop_container(deaf, 1s));
        const auto killed = must(co_await runtime.container_status(deaf));
        CHECK(killed.exit_code == 137);
        CHECK(killed.container.restart_count == 1);
        co_await remove_pod(runtime, pod.sandbox_id);
    });
}

TEST_CASE("cri_runtime: runs a command inside and ends it when its time is over", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto pod = co_await run_pod(runtime, sandbox_config("exec"), shell("sleep 1000"));
        const std::vector<std::string> command{"sh", "-c", "echo out; echo err >&2; exit 4"};
        const auto result = must(co_await runtime.exec_sync(pod.container_id, command, 10s));
        CHECK(result.exit_code == 4);
        CHECK(result.output == "out\n");
        CHECK(result.error_output == "err\n");
        const std::vector<std::string> slow{"sleep", "1000"};
        const auto late = co_await runtime.exec_sync(pod.container_id, slow, 1s);
        REQUIRE(!late);
        CHECK(late.error().code() == ErrorCode::deadline);
        co_await remove_pod(runtime, pod.sandbox_id);
    });
}

TEST_CASE("cri_runtime: an image that no registry gives is unavailable or an error", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto pulled = co_await runtime.pull_image("127.0.0.1:9/farhold/absent:1", {});
        REQUIRE(!pulled);
        CHECK(pulled.error().message().contains("connection refused"));
    });
}

TEST_CASE(
    "cri_runtime: tells that something changed, also over a restart of containerd", "[runtime]"
) {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        Event changed(co_await this_executor);
        TaskGroup group(co_await this_executor);
        CHECK(!runtime.connection().connected);
        group.spawn(runtime.watch_events(changed));
        CHECK(co_await changed.wait_for(10s));  // Connected.
        CHECK(runtime.connection().connected);

        const auto pod = co_await run_pod(runtime, sandbox_config("events"), shell("exit 0"));
        co_await wait_until_exited(runtime, pod.container_id);
        CHECK(co_await changed.wait_for(10s));

        containerd().kill();
        Event pause(co_await this_executor);
        while (runtime.connection().connected) {
            co_await pause.wait_for(10ms);
        }
        const auto away = co_await runtime.list();
        REQUIRE(!away);
        CHECK(away.error().code() == ErrorCode::unavailable);
        CHECK(!runtime.connection().reason.empty());
        while (co_await changed.wait_for(0ms)) {}

        containerd().start();
        CHECK(co_await changed.wait_for(10s));  // Connected again.
        const auto state = must(co_await runtime.list());
        CHECK(state.sandboxes.size() == 1);
        co_await remove_pod(runtime, pod.sandbox_id);
        group.cancel();
        co_await group.join();
    });
}

TEST_CASE("cri_runtime: a start goes on when its caller is cancelled", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto config = sandbox_config("cancelled");
        const auto cut = co_await with_timeout(runtime.run_sandbox(config), 5ms);
        REQUIRE(!cut);
        CHECK(cut.error().code() == ErrorCode::deadline);
        Event pause(co_await this_executor);
        std::vector<Sandbox> sandboxes;
        while (sandboxes.empty() || sandboxes[0].state != SandboxState::ready) {
            co_await pause.wait_for(10ms);
            sandboxes = must(co_await runtime.list()).sandboxes;
        }
        co_await remove_pod(runtime, sandboxes[0].id);
    });
}

TEST_CASE("cri_runtime: removes a container whose task CRI does not know of", "[runtime]") {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto config = sandbox_config("stuck");
        const auto sandbox = must(co_await runtime.run_sandbox(config));
        const auto container = shell("sleep 1000");
        const auto id = must(co_await runtime.create_container(sandbox, container, config));
        // Behind CRI's back, which goes on to believe that it was only created.
        containerd().ctr({"tasks", "start", "--detach", id});
        must(co_await runtime.remove_container(id));
        CHECK(must(co_await runtime.list()).containers.empty());
        co_await remove_pod(runtime, sandbox);
    });
}

TEST_CASE(
    "cri_runtime: after a power cut the pods are there, ended, and can be removed", "[runtime]"
) {
    with_runtime(kStore, [](CriRuntime& runtime) -> Task<> {
        const auto pod = co_await run_pod(runtime, sandbox_config("power"), shell("sleep 1000"));
        containerd().cut_power();
        containerd().start();
        // The first call finds that its connection is lost, the second makes a new one.
        const auto lost = co_await runtime.list();
        REQUIRE(!lost);
        CHECK(lost.error().code() == ErrorCode::unavailable);
        const auto state = must(co_await runtime.list());
        REQUIRE(state.sandboxes.size() == 1);
        CHECK(state.sandboxes[0].state == SandboxState::not_ready);
        REQUIRE(state.containers.size() == 1);
        CHECK(state.containers[0].state == ContainerState::exited);
        const auto status = must(co_await runtime.container_status(pod.container_id));
        CHECK(status.exit_code == 255);
        co_await remove_pod(runtime, pod.sandbox_id);
        const auto again = co_await run_pod(runtime, sandbox_config("power"), shell("sleep 1000"));
        co_await remove_pod(runtime, again.sandbox_id);
    });
}
