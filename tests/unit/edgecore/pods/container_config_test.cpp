// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/container_config.hpp"

#include "edgecore/pods/pod_events.hpp"
#include "pod_bench.hpp"
#include "tests/support/catch.hpp"

namespace farhold::pods::test {

namespace {

PodSpecPtr spec_of(const std::string& container, const std::string& spec = "") {
    return make_spec(
        R"({"metadata":{"name":"hello","namespace":"default","labels":{"a":"1"}},
        "spec":{)" +
        spec + R"("containers":[{"name":"main",)" + container + R"("image":"img:1"}]}})"
    );
}

const MachineSettings kMachine{
    .node_name = "edge-1",
    .hostname = "machine",
    .pods_root = "/data/pods",
    .seccomp_root = "/data/seccomp",
    .log_root = "/logs",
    .cgroup_parent = "/farhold-1",
    .cluster_dns = {},
    .memory_bytes = 1 << 30,
};

Result<runtime::ContainerConfig> config_of(
    const PodSpecPtr& spec, const runtime::ImageInfo& image = {.id = "sha256:1"}
) {
    const podspec::Environment environment{{"WHO", "me"}};
    const std::vector<volumes::BindMount> mounts{{"/in", "/out", true}};
    return container_config(
        *spec, spec->containers[0],
        {.attempt = 2, .image = image, .environment = environment, .mounts = mounts}, kMachine
    );
}

}  // namespace

TEST_CASE("container_config: carries over what the pod says", "[pods]") {
    const auto config = config_of(
        spec_of(R"x("command":["/bin/$(WHO)"],"args":["$$(WHO)"],"workingDir":"/w","tty":true,)x")
    );
    REQUIRE(config);
    CHECK(config->image == "sha256:1");
    CHECK(config->image_name == "img:1");
    CHECK(config->command == std::vector<std::string>{"/bin/me"});
    CHECK(config->args == std::vector<std::string>{"$(WHO)"});
    CHECK(config->env.at(0).value == "me");
    CHECK(config->mounts.at(0).read_only);
    CHECK(config->log_path == "main/2.log");
    CHECK(config->attempt == 2);
    CHECK(config->tty);
    CHECK(config->resources.cpu_shares == 2);
    CHECK(config->resources.oom_score_adj == 1000);
    CHECK_FALSE(config->security.no_new_privileges);
    CHECK_FALSE(config->security.seccomp);
}

TEST_CASE("container_config: maps the security context", "[pods]") {
    const auto config = config_of(spec_of(
        R"("securityContext":{"runAsUser":5,"allowPrivilegeEscalation":false,
            "readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"],"add":["NET_RAW"]},
            "seccompProfile":{"type":"Localhost","localhostProfile":"p.json"}},)",
        R"("securityContext":{"fsGroup":7,"supplementalGroups":[8]},)"
    ));
    REQUIRE(config);
    CHECK(config->security.run_as_user == 5);
    CHECK(config->security.no_new_privileges);
    CHECK(config->security.read_only_root);
    CHECK(config->security.drop_capabilities == std::vector<std::string>{"ALL"});
    CHECK(config->security.supplemental_groups == std::vector<std::int64_t>{8, 7});
    CHECK(config->security.seccomp->localhost_path == "/data/seccomp/p.json");
}

TEST_CASE("container_config: the image's user holds when the pod names none", "[pods]") {
    CHECK(config_of(spec_of(""), {.id = "i", .uid = 9})->security.run_as_user == 9);
    CHECK(
        config_of(spec_of(""), {.id = "i", .username = "web"})->security.run_as_username == "web"
    );
}

TEST_CASE("container_config: runAsNonRoot is kept or the container is not made", "[pods]") {
    const PodSpecPtr spec = spec_of(R"("securityContext":{"runAsNonRoot":true},)");
    CHECK(
        config_of(spec).error().message() == "container has runAsNonRoot and image will run as root"
    );
    CHECK(config_of(spec, {.id = "i", .uid = 9}));
    CHECK_FALSE(config_of(spec, {.id = "i", .username = "web"}));
    CHECK_FALSE(config_of(spec_of(R"("securityContext":{"runAsNonRoot":true,"runAsUser":0},)")));
}

TEST_CASE("container_config: the sandbox carries network, groups and privilege", "[pods]") {
    const PodSpecPtr spec = spec_of(
        R"("ports":[{"containerPort":80,"hostPort":8080,"protocol":"UDP"},{"containerPort":81}],
           "securityContext":{"privileged":true},)",
        R"("shareProcessNamespace":true,)"
    );
    const auto config = sandbox_config(*spec, 3, kMachine, {.servers = {"192.0.2.53"}}, "hello");
    CHECK(config.pod.uid == "uid-1");
    CHECK(config.attempt == 3);
    CHECK(config.hostname == "hello");
    CHECK(config.log_directory == "/logs/default_hello_uid-1");
    CHECK(config.dns->servers.size() == 1);
    REQUIRE(config.port_mappings.size() == 1);
    CHECK(config.port_mappings[0].protocol == runtime::Protocol::udp);
    CHECK(config.labels.at("a") == "1");
    CHECK(config.cgroup_parent == "/farhold-1/besteffort/poduid-1");
    CHECK(config.namespaces.share_processes);
    CHECK(config.privileged);
    const auto host = sandbox_config(
        *spec_of(R"("ports":[{"containerPort":80,"hostPort":80}],)", R"("hostNetwork":true,)"), 0,
        kMachine, {}, "machine"
    );
    CHECK(host.port_mappings.empty());
    CHECK(host.hostname.empty());
}

TEST_CASE("pod_events: repetitions count up one event at growing distances", "[pods]") {
    EventRecorder recorder({"default", "hello", "uid-1"}, "edge-1");
    const PodEvent event{
        .warning = true, .reason = "BackOff", .message = "again", .container = "main"
    };
    Now now{.mono = Instant(1s), .wall = WallTime(1'700'000'000s)};
    std::vector<std::int64_t> told;
    std::string name;
    for (int times = 1; times <= 20; ++times) {
        if (const auto report = recorder.record(event, now)) {
            told.push_back(report->body.integer_at({"count"}));
            CHECK((name.empty() || name == report->name));
            name = report->name;
            CHECK(report->body.text_at({"involvedObject", "fieldPath"}) == "spec.containers{main}");
            CHECK(report->body.text_at({"type"}) == "Warning");
        }
        now.mono += 1s;
    }
    CHECK(told == std::vector<std::int64_t>{1, 2, 4, 8, 16});
    now.mono += 5min;
    CHECK(recorder.record(event, now));
}

}  // namespace farhold::pods::test
