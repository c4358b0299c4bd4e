// SPDX-License-Identifier: Apache-2.0
//
// ContainerRuntime on CRI v1 (containerd 1.6 and newer) over our own gRPC client. Keeps no state:
// what exists is what the runtime lists. Everything it makes carries the label io.farhold.store with
// our store's uuid, and kubelet's labels and annotations, so that tools find pods as usual.
#pragma once

#include "common/log/log.hpp"
#include "edgecore/runtime/container_runtime.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace farhold::runtime {

struct CriOptions {
    std::string endpoint;    // "unix:///run/containerd/containerd.sock", or a path.
    std::string store_uuid;  // Marks what is ours.
};

// Of one method, since the start.
struct CallStats {
    std::uint64_t calls = 0;     // That were answered, well or not.
    std::uint64_t failures = 0;  // Answered with an error other than not_found, or not at all.
    Duration time{};             // Of all of them.
};
using CallStatsByMethod = std::map<std::string, CallStats, std::less<>>;

class CriRuntime final : public ContainerRuntime {
public:
    CriRuntime(Executor executor, CriOptions options, log::Logger log);
    ~CriRuntime() override;

    // Lets calls that must not be cut off end, for a few seconds at most, then disconnects. Called
    // once, before destruction.
    Task<> close();

    [[nodiscard]] const CallStatsByMethod& call_stats() const;
    // How often the runtime went away.
    [[nodiscard]] std::uint64_t losses() const;

    Task<Result<RuntimeInfo>> version() override;
    Task<Result<RuntimeStatus>> status() override;
    Connection connection() const override;
    Task<Result<RuntimeState>> list() override;
    Task<> watch_events(Event& changed) override;
    Task<Result<std::string>> run_sandbox(const SandboxConfig& config) override;
    Task<Result<SandboxStatus>> sandbox_status(const std::string& id) override;
    Task<Result<void>> stop_sandbox(const std::string& id) override;
    Task<Result<void>> remove_sandbox(const std::string& id) override;
    Task<Result<std::string>> create_container(
        const std::string& sandbox_id, const ContainerConfig& config, const SandboxConfig& sandbox
    ) override;
    Task<Result<void>> start_container(const std::string& id) override;
    Task<Result<void>> stop_container(const std::string& id, std::chrono::seconds grace) override;
    Task<Result<void>> remove_container(const std::string& id) override;
    Task<Result<ContainerStatus>> container_status(const std::string& id) override;
    Task<Result<void>> reopen_log(const std::string& id) override;
    Task<Result<ExecResult>> exec_sync(
        const std::string& id, const std::vector<std::string>& command, std::chrono::seconds limit
    ) override;
    Task<Result<std::vector<ContainerUsage>>> usage() override;
    Task<Result<std::string>> exec_url(
        const std::string& id, const std::vector<std::string>& command, ExecStreams streams
    ) override;
    Task<Result<std::string>> attach_url(const std::string& id, ExecStreams streams) override;
    Task<Result<std::string>> port_forward_url(const std::string& sandbox_id) override;
    Task<Result<std::optional<ImageInfo>>> image_status(const std::string& image) override;
    Task<Result<std::string>> pull_image(const std::string& image, const RegistryAuth& auth)
        override;
    Task<Result<std::vector<ImageInfo>>> list_images() override;
    Task<Result<void>> remove_image(const std::string& image) override;
    Task<Result<std::vector<FilesystemUsage>>> image_filesystems() override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace farhold::runtime
