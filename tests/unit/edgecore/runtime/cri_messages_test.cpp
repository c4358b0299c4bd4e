// SPDX-License-Identifier: Apache-2.0
#include "edgecore/runtime/cri_messages.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <chrono>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::runtime;  // NOLINT(google-build-using-namespace)

namespace {

SandboxConfig hello() {
    SandboxConfig config;
    config.pod = {"default", "hello", "uid-1"};
    config.attempt = 2;
    config.hostname = "hello";
    config.labels = {{"app", "hello"}, {"io.kubernetes.pod.uid", "forged"}};
    return config;
}

cri::PodSandboxConfig sandbox_message(const SandboxConfig& config) {
    cri::PodSandboxConfig message;
    fill(message, config, "store-1");
    return message;
}

cri::ContainerConfig container_message(
    const ContainerConfig& config, const SandboxConfig& sandbox = hello()
) {
    cri::ContainerConfig message;
    fill(message, config, sandbox, "store-1");
    return message;
}

}  // namespace

TEST_CASE(
    "cri_messages: a sandbox carries our label and kubelet's, whatever the pod says", "[runtime]"
) {
    const auto message = sandbox_message(hello());
    CHECK(message.metadata().name() == "hello");
    CHECK(message.metadata().namespace_() == "default");
    CHECK(message.metadata().attempt() == 2);
    const auto& labels = message.labels();
    CHECK(labels.at("app") == "hello");
    CHECK(labels.at("io.kubernetes.pod.name") == "hello");
    CHECK(labels.at("io.kubernetes.pod.namespace") == "default");
    CHECK(labels.at("io.kubernetes.pod.uid") == "uid-1");
    CHECK(labels.at("io.farhold.store") == "store-1");
}

TEST_CASE("cri_messages: a container carries what a listing has to tell", "[runtime]") {
    ContainerConfig config;
    config.name = "main";
    config.attempt = 7;
    config.spec_hash = "abc";
    const auto message = container_message(config);
    cri::Container listed;
    *listed.mutable_metadata() = message.metadata();
    *listed.mutable_labels() = message.labels();
    *listed.mutable_annotations() = message.annotations();
    const auto container = from_message(listed);
    CHECK(container.name == "main");
    CHECK(container.attempt == 7);
    CHECK(container.restart_count == 7);
    CHECK(container.spec_hash == "abc");
    CHECK(container.pod == hello().pod);
    CHECK(container.labels.at("io.kubernetes.container.name") == "main");
}

TEST_CASE("cri_messages: sandbox and containers agree on namespaces", "[runtime]") {
    auto sandbox = hello();
    const auto pid_mode = [&] {
        const auto message = sandbox_message(sandbox);
        const auto inside = container_message({}, sandbox);
        const auto& outer = message.linux().security_context().namespace_options();
        const auto& inner = inside.linux().security_context().namespace_options();
        CHECK(outer.SerializeAsString() == inner.SerializeAsString());
        return inner.pid();
    };
    CHECK(pid_mode() == cri::CONTAINER);
    sandbox.namespaces.share_processes = true;
    CHECK(pid_mode() == cri::POD);
    sandbox.namespaces.host_pid = true;
    CHECK(pid_mode() == cri::NODE);
    sandbox.namespaces.host_network = true;
    const auto message = sandbox_message(sandbox);
    CHECK(message.linux().security_context().namespace_options().network() == cri::NODE);
    CHECK(message.hostname().empty());
}

TEST_CASE("cri_messages: proc is masked unless the container may see it", "[runtime]") {
    ContainerConfig config;
    const auto masks = [&] {
        const auto message = container_message(config);
        const auto& security = message.linux().security_context();
        return security.masked_paths_size() + security.readonly_paths_size();
    };
    const auto message = container_message(config);
    const auto& masked = message.linux().security_context().masked_paths();
    CHECK(std::ranges::find(masked, "/proc/kcore") != masked.end());
    config.security.unmasked_proc = true;
    CHECK(masks() == 0);
    config.security.unmasked_proc = false;
    config.security.privileged = true;
    CHECK(masks() == 0);
}

TEST_CASE(
    "cri_messages: an unset seccomp profile is unconfined for a container, the default for a "
    "sandbox",
    "[runtime]"
) {
    const auto sandbox = sandbox_message(hello());
    CHECK(
        sandbox.linux().security_context().seccomp().profile_type() ==
        cri::SecurityProfile::RuntimeDefault
    );
    ContainerConfig config;
    CHECK(
        container_message(config).linux().security_context().seccomp().profile_type() ==
        cri::SecurityProfile::Unconfined
    );
    config.security.seccomp =
        SeccompProfile{.type = SeccompProfile::Type::localhost, .localhost_path = "/profile.json"};
    const auto message = container_message(config);
    const auto& seccomp = message.linux().security_context().seccomp();
    CHECK(seccomp.profile_type() == cri::SecurityProfile::Localhost);
    CHECK(seccomp.localhost_ref() == "/profile.json");
}

TEST_CASE("cri_messages: user 0 differs from no user", "[runtime]") {
    ContainerConfig config;
    config.security.run_as_username = "nobody";
    const auto unset = container_message(config);
    CHECK(!unset.linux().security_context().has_run_as_user());
    CHECK(unset.linux().security_context().run_as_username() == "nobody");
    config.security.run_as_user = 0;
    const auto root = container_message(config);
    CHECK(root.linux().security_context().has_run_as_user());
    CHECK(root.linux().security_context().run_as_username().empty());
}

TEST_CASE("cri_messages: times that never were are absent", "[runtime]") {
    cri::ContainerStatus message;
    message.set_state(cri::CONTAINER_EXITED);
    message.set_created_at(5);
    const auto never = from_message(message);
    CHECK(!never.started_at);
    CHECK(!never.finished_at);
    message.set_started_at(7);
    message.set_finished_at(9);
    const auto ran = from_message(message);
    CHECK(ran.started_at == WallTime(std::chrono::nanoseconds(7)));
    CHECK(ran.finished_at == WallTime(std::chrono::nanoseconds(9)));
    CHECK(ran.container.state == ContainerState::exited);
    message.set_state(cri::CONTAINER_UNKNOWN);
    CHECK(from_message(message).container.state == ContainerState::unknown);
}
