// SPDX-License-Identifier: Apache-2.0
//
// A container runtime in memory. Every image is there but those in `missing`; pulls never end,
// and a sandbox start can lose its answer.
#pragma once

#include "edgecore/runtime/container_runtime.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace farhold::test {

class FakeRuntime final : public runtime::ContainerRuntime {
public:
    Task<Result<runtime::RuntimeInfo>> version() override { co_return runtime::RuntimeInfo{}; }
    Task<Result<runtime::RuntimeStatus>> status() override { co_return runtime::RuntimeStatus{}; }
    runtime::Connection connection() const override { return {.connected = true, .reason = ""}; }

    Task<Result<runtime::RuntimeState>> list() override {
        if (!readable) {
            co_return fail(ErrorCode::unavailable, "server is not initialized yet");
        }
        co_return state;
    }
    Task<> watch_events(Event& changed) override {
        events_ = &changed;
        co_await wait_for_ever();
    }
    void tell() {
        if (events_ != nullptr) {
            events_->set();
        }
    }

    Task<Result<std::string>> run_sandbox(const runtime::SandboxConfig& config) override {
        for (const auto& sandbox : state.sandboxes) {
            if (sandbox.pod.uid == config.pod.uid && sandbox.attempt == config.attempt) {
                co_return fail(ErrorCode::already_exists, "failed to reserve sandbox name");
            }
        }
        runtime::Sandbox sandbox;
        sandbox.id = "s" + std::to_string(++ids_);
        sandbox.pod = config.pod;
        sandbox.attempt = config.attempt;
        sandbox.state = runtime::SandboxState::ready;
        state.sandboxes.push_back(sandbox);
        if (std::exchange(lose_next_answer, false)) {
            co_return fail(ErrorCode::deadline, "timed out");
        }
        co_return sandbox.id;
    }
    Task<Result<runtime::SandboxStatus>> sandbox_status(const std::string& /*id*/) override {
        co_return runtime::SandboxStatus{.sandbox = {}, .ip = "10.0.0.5", .additional_ips = {}};
    }
    Task<Result<void>> stop_sandbox(const std::string& id) override {
        for (auto& sandbox : state.sandboxes) {
            if (sandbox.id == id) {
                sandbox.state = runtime::SandboxState::not_ready;
            }
        }
        co_return Result<void>();
    }
    Task<Result<void>> remove_sandbox(const std::string& id) override {
        std::erase_if(state.sandboxes, [&](const auto& sandbox) { return sandbox.id == id; });
        std::erase_if(state.containers, [&](const auto& each) { return each.sandbox_id == id; });
        co_return Result<void>();
    }

    Task<Result<std::string>> create_container(
        const std::string& sandbox_id, const runtime::ContainerConfig& config,
        const runtime::SandboxConfig& sandbox
    ) override {
        runtime::Container container;
        container.id = "c" + std::to_string(++ids_);
        container.sandbox_id = sandbox_id;
        container.pod = sandbox.pod;
        container.name = config.name;
        container.attempt = config.attempt;
        container.state = runtime::ContainerState::created;
        container.spec_hash = config.spec_hash;
        state.containers.push_back(container);
        co_return container.id;
    }
    Task<Result<void>> start_container(const std::string& id) override {
        set_state(id, runtime::ContainerState::running);
        co_return Result<void>();
    }
    Task<Result<void>> stop_container(
        const std::string& id, std::chrono::seconds /*grace*/
    ) override {
        if (hold_stops) {
            co_await wait_for_ever();
        }
        set_state(id, runtime::ContainerState::exited);
        co_return Result<void>();
    }
    Task<Result<void>> remove_container(const std::string& id) override {
        std::erase_if(state.containers, [&](const auto& each) { return each.id == id; });
        co_return Result<void>();
    }
    Task<Result<runtime::ContainerStatus>> container_status(const std::string& id) override {
        runtime::ContainerStatus status;
        for (const auto& container : state.containers) {
            if (container.id == id) {
                status.container = container;
            }
        }
        co_return status;
    }
    Task<Result<void>> reopen_log(const std::string& id) override {
        if (!reopens_logs) co_return fail(ErrorCode::internal, "no log is opened");
        reopened.push_back(id);
        co_return Result<void>();
    }
    Task<Result<runtime::ExecResult>> exec_sync(
        const std::string& /*id*/, const std::vector<std::string>& /*command*/,
        std::chrono::seconds /*limit*/
    ) override {
        co_return fail(ErrorCode::unsupported, "no commands here");
    }

    Task<Result<std::vector<runtime::ContainerUsage>>> usage() override {
        co_return std::vector<runtime::ContainerUsage>();
    }
    Task<Result<std::string>> exec_url(
        const std::string& /*id*/, const std::vector<std::string>& /*command*/,
        runtime::ExecStreams /*streams*/
    ) override {
        co_return fail(ErrorCode::unsupported, "no commands here");
    }
    Task<Result<std::string>> attach_url(
        const std::string& /*id*/, runtime::ExecStreams /*streams*/
    ) override {
        co_return fail(ErrorCode::unsupported, "no commands here");
    }
    Task<Result<std::string>> port_forward_url(const std::string& /*sandbox_id*/) override {
        co_return fail(ErrorCode::unsupported, "no ports here");
    }

    Task<Result<std::optional<runtime::ImageInfo>>> image_status(const std::string& image
    ) override {
        std::optional<runtime::ImageInfo> info;
        if (!missing.contains(image)) {
            info.emplace().id = "sha256:" + image;
        }
        co_return info;
    }
    Task<Result<std::string>> pull_image(
        const std::string& image, const runtime::RegistryAuth& /*auth*/
    ) override {
        ++pulls;
        co_await wait_for_ever();
        co_return image;
    }
    Task<Result<std::vector<runtime::ImageInfo>>> list_images() override {
        co_return std::vector<runtime::ImageInfo>();
    }
    Task<Result<void>> remove_image(const std::string& /*image*/) override {
        co_return Result<void>();
    }
    Task<Result<std::vector<runtime::FilesystemUsage>>> image_filesystems() override {
        co_return std::vector<runtime::FilesystemUsage>();
    }

    int running(const std::string& uid) const {
        return static_cast<int>(std::ranges::count_if(state.containers, [&](const auto& each) {
            return each.pod.uid == uid && each.state == runtime::ContainerState::running;
        }));
    }

    runtime::RuntimeState state;
    bool readable = true;
    bool reopens_logs = true;
    std::vector<std::string> reopened;  // Logs, by the container's id.
    bool lose_next_answer = false;
    bool hold_stops = false;
    std::set<std::string> missing;
    int pulls = 0;

private:
    void set_state(const std::string& id, runtime::ContainerState next) {
        for (auto& container : state.containers) {
            if (container.id == id) {
                container.state = next;
            }
        }
    }

    static Task<> wait_for_ever() {
        Event never(co_await this_executor);
        co_await never.wait();
    }

    Event* events_ = nullptr;
    int ids_ = 0;
};

}  // namespace farhold::test
