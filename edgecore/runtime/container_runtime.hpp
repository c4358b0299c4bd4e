// SPDX-License-Identifier: Apache-2.0
//
// What edgecore asks of a container runtime, in plain values: CRI today, WebAssembly and virtual
// machines later. Everything that is listed or changed belongs to this edgecore: the implementation
// marks what it makes with the uuid of our store and shows nothing else.
//
// All calls are made on one executor. A call that makes or starts something goes on in the runtime
// when the caller is cancelled, since undoing it half-way can leave a container that nobody can
// remove. Whatever a call answered, only a listing tells what is there now.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace farhold::runtime {

using StringMap = std::map<std::string, std::string>;

struct RuntimeInfo {
    std::string name;
    std::string version;
    std::string api_version;
};

struct RuntimeCondition {
    bool ready = false;
    std::string reason;
    std::string message;
};

struct RuntimeStatus {
    RuntimeCondition runtime;
    RuntimeCondition network;
};

struct PodRef {
    std::string ns;
    std::string name;
    std::string uid;

    bool operator==(const PodRef&) const = default;
};

enum class SandboxState : std::uint8_t { ready, not_ready };

// `unknown`: the runtime lost track of it. Stop it, then remove it.
enum class ContainerState : std::uint8_t { created, running, exited, unknown };

// --- what is there --------------------------------------------------------------------------------

struct Sandbox {
    std::string id;
    PodRef pod;
    std::uint32_t attempt = 0;
    SandboxState state = SandboxState::not_ready;
    WallTime created_at;
    StringMap labels;
    StringMap annotations;
};

struct Container {
    std::string id;
    std::string sandbox_id;
    PodRef pod;
    std::string name;
    std::uint32_t attempt = 0;
    ContainerState state = ContainerState::unknown;
    WallTime created_at;
    std::string image;
    std::string image_ref;
    std::string spec_hash;
    std::uint32_t restart_count = 0;
    StringMap labels;
    StringMap annotations;
};

// One complete listing.
struct RuntimeState {
    std::vector<Sandbox> sandboxes;
    std::vector<Container> containers;
};

struct SandboxStatus {
    Sandbox sandbox;
    // Empty with host networking.
    std::string ip;
    std::vector<std::string> additional_ips;
};

struct ContainerStatus {
    Container container;  // Without sandbox_id, which CRI tells in listings only.
    std::optional<WallTime> started_at;
    // Of one that ended at once it may be a moment before started_at: two processes note them.
    std::optional<WallTime> finished_at;
    std::int32_t exit_code = 0;
    // Completed, Error, OOMKilled, StartError, Unknown, ...
    std::string reason;
    std::string message;
    std::string log_path;  // On the host.
};

struct ImageInfo {
    std::string id;
    std::vector<std::string> tags;
    std::vector<std::string> digests;
    std::uint64_t bytes = 0;
    // What the image says it runs as: a number, a name, or nothing (root).
    std::optional<std::int64_t> uid;
    std::string username;
};

struct FilesystemUsage {
    std::string mountpoint;
    std::uint64_t used_bytes = 0;
    std::uint64_t used_inodes = 0;
};

struct ExecResult {
    std::int32_t exit_code = 0;
    std::string output;  // Of stdout.
    std::string error_output;
};

// At one moment, which is told by the runtime.
struct ContainerUsage {
    std::string container_id;
    WallTime measured_at;
    std::optional<std::uint64_t> cpu_nanoseconds;    // Since its start.
    std::optional<std::uint64_t> working_set_bytes;  // Of memory.
};

// What of a process's own streams somebody wants.
struct ExecStreams {
    bool input = false;
    bool output = false;
    bool error = false;
    bool tty = false;
};

// --- what is wanted -------------------------------------------------------------------------------

struct DnsConfig {
    std::vector<std::string> servers;
    std::vector<std::string> searches;
    std::vector<std::string> options;
};

enum class Protocol : std::uint8_t { tcp, udp, sctp };

// The portmap plugin gives a port that two pods want to the first one, silently: the caller checks.
struct PortMapping {
    Protocol protocol = Protocol::tcp;
    std::int32_t container_port = 0;
    std::int32_t host_port = 0;
    std::string host_ip;
};

// Zero and empty mean unset, as in CRI.
struct LinuxResources {
    std::int64_t cpu_period = 0;
    std::int64_t cpu_quota = 0;
    std::int64_t cpu_shares = 0;
    std::int64_t memory_limit_bytes = 0;
    std::int64_t oom_score_adj = 0;
    std::string cpuset_cpus;
    std::string cpuset_mems;
};

struct SeccompProfile {
    enum class Type : std::uint8_t {
        runtime_default,
        unconfined,
        localhost
    } type = Type::runtime_default;
    std::string localhost_path;
};

// Where the pod's processes live; the same for the sandbox and its containers.
struct Namespaces {
    bool host_network = false;
    bool host_pid = false;
    bool host_ipc = false;
    bool share_processes = false;  // One PID namespace for the pod; host_pid comes first.
};

struct SandboxConfig {
    PodRef pod;
    std::uint32_t attempt = 0;
    std::string hostname;       // Unused on the host's network.
    std::string log_directory;  // /var/log/pods/<ns>_<name>_<uid>; made by the runtime.
    std::optional<DnsConfig> dns;
    std::vector<PortMapping> port_mappings;
    StringMap labels;  // Of the pod; ours and kubelet's are added.
    StringMap annotations;
    std::string runtime_handler;  // Empty: the runtime's default.

    std::string cgroup_parent;
    LinuxResources resources;
    Namespaces namespaces;
    StringMap sysctls;
    std::optional<std::int64_t> run_as_user;
    std::optional<std::int64_t> run_as_group;
    std::vector<std::int64_t> supplemental_groups;
    bool privileged = false;  // Must be set when a container of the pod is privileged.
    std::optional<SeccompProfile> seccomp;  // Unset: the runtime's default, as kubelet does.
};

struct EnvVar {
    std::string name;
    std::string value;
};

enum class MountPropagation : std::uint8_t { none, host_to_container, bidirectional };

// The host path must exist: a missing one is created as a folder of root, silently.
struct Mount {
    std::string container_path;
    std::string host_path;
    bool read_only = false;
    MountPropagation propagation = MountPropagation::none;
};

struct Device {
    std::string container_path;
    std::string host_path;
    std::string permissions = "rwm";
};

struct ContainerSecurity {
    std::optional<std::int64_t> run_as_user;
    std::string run_as_username;  // When the image names its user and run_as_user is unset.
    std::optional<std::int64_t> run_as_group;
    std::vector<std::int64_t> supplemental_groups;
    bool privileged = false;
    bool read_only_root = false;
    bool no_new_privileges = false;
    bool unmasked_proc = false;  // procMount: Unmasked.
    std::vector<std::string> add_capabilities;
    std::vector<std::string> drop_capabilities;
    std::optional<SeccompProfile> seccomp;  // Unset: unconfined, as kubelet does.
};

struct ContainerConfig {
    std::string name;
    // Equals restart_count in kubelet's and our use; the runtime reserves (name, attempt).
    std::uint32_t attempt = 0;
    std::string image;       // What is run: the id or reference that image_status answered.
    std::string image_name;  // What the pod's author wrote.
    std::string spec_hash;
    std::vector<std::string> command;
    std::vector<std::string> args;
    std::string working_dir;
    std::vector<EnvVar> env;
    std::vector<Mount> mounts;
    std::vector<Device> devices;
    StringMap labels;
    StringMap annotations;
    std::string log_path;  // Below the sandbox's log_directory: <container>/<attempt>.log.
    bool stdin_open = false;
    bool stdin_once = false;
    bool tty = false;
    LinuxResources resources;
    ContainerSecurity security;
};

// Credentials for a registry; empty: anonymous.
struct RegistryAuth {
    std::string username;
    std::string password;
    std::string server_address;
};

// --- the runtime ----------------------------------------------------------------------------------

struct Connection {
    bool connected = false;
    std::string reason;  // Why not.
};

// Errors: unavailable (runtime away or still starting), already_exists (that name and attempt is
// taken, or the end of an earlier call is still on its way), not_found, deadline, ...
class ContainerRuntime {
public:
    virtual ~ContainerRuntime() = default;

    virtual Task<Result<RuntimeInfo>> version() = 0;
    virtual Task<Result<RuntimeStatus>> status() = 0;
    virtual Connection connection() const = 0;

    // All sandboxes and containers that are ours.
    virtual Task<Result<RuntimeState>> list() = 0;

    // Sets `changed` after each (re)connection and whenever something ran or ended: then list again.
    // A change in the moment of the connection may be missed, so list now and then anyway. Returns
    // only by cancellation; one at a time.
    virtual Task<> watch_events(Event& changed) = 0;

    virtual Task<Result<std::string>> run_sandbox(const SandboxConfig& config) = 0;
    virtual Task<Result<SandboxStatus>> sandbox_status(const std::string& id) = 0;
    // Stopping and removing what is stopped or gone already succeeds.
    virtual Task<Result<void>> stop_sandbox(const std::string& id) = 0;
    virtual Task<Result<void>> remove_sandbox(const std::string& id) = 0;

    virtual Task<Result<std::string>> create_container(
        const std::string& sandbox_id, const ContainerConfig& config, const SandboxConfig& sandbox
    ) = 0;
    virtual Task<Result<void>> start_container(const std::string& id) = 0;
    // SIGTERM (or the image's stop signal), SIGKILL after the grace.
    virtual Task<Result<void>> stop_container(
        const std::string& id, std::chrono::seconds grace
    ) = 0;
    virtual Task<Result<void>> remove_container(const std::string& id) = 0;
    virtual Task<Result<ContainerStatus>> container_status(const std::string& id) = 0;
    virtual Task<Result<void>> reopen_log(const std::string& id) = 0;

    // Kills the command when the limit is over and answers ErrorCode::deadline.
    virtual Task<Result<ExecResult>> exec_sync(
        const std::string& id, const std::vector<std::string>& command, std::chrono::seconds limit
    ) = 0;

    // Of all containers that are ours and run. Takes its time where there are many.
    virtual Task<Result<std::vector<ContainerUsage>>> usage() = 0;

    // The address, good for one request within a minute, where a client of remotecommand or
    // portforward is served.
    virtual Task<Result<std::string>> exec_url(
        const std::string& id, const std::vector<std::string>& command, ExecStreams streams
    ) = 0;
    virtual Task<Result<std::string>> attach_url(const std::string& id, ExecStreams streams) = 0;
    virtual Task<Result<std::string>> port_forward_url(const std::string& sandbox_id) = 0;

    // Nothing when the image is not there.
    virtual Task<Result<std::optional<ImageInfo>>> image_status(const std::string& image) = 0;
    // Always asks the registry. Answers the reference to run.
    virtual Task<Result<std::string>> pull_image(
        const std::string& image, const RegistryAuth& auth
    ) = 0;
    virtual Task<Result<std::vector<ImageInfo>>> list_images() = 0;
    virtual Task<Result<void>> remove_image(const std::string& image) = 0;
    virtual Task<Result<std::vector<FilesystemUsage>>> image_filesystems() = 0;
};

}  // namespace farhold::runtime
