// SPDX-License-Identifier: Apache-2.0
//
// Pure: a Kubernetes Pod as this machine runs it. parse_pod() turns the JSON of the store into plain
// values with Kubernetes' defaults filled in; what this edgecore cannot run is listed in
// `unsupported`, so that such a pod is refused with a reason instead of being run wrongly.
#pragma once

#include "common/base/error.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace farhold::json {
class Value;
}

namespace farhold::podspec {

struct PodIdentity {
    std::string ns;
    std::string name;
    std::string uid;

    bool operator==(const PodIdentity&) const = default;
};

enum class RestartPolicy : std::uint8_t { always, on_failure, never };
enum class PullPolicy : std::uint8_t { always, if_not_present, never };
enum class MessagePolicy : std::uint8_t { file, fallback_to_logs_on_error };
enum class DnsPolicy : std::uint8_t { cluster_first, cluster_first_with_host_net, standard, none };
enum class Propagation : std::uint8_t { none, host_to_container, bidirectional };
enum class QosClass : std::uint8_t { guaranteed, burstable, best_effort };

std::string_view to_string(QosClass qos);

// One key of a ConfigMap or Secret.
struct KeySelector {
    std::string object;
    std::string key;
    bool optional = false;
};
struct ConfigMapKey : KeySelector {};
struct SecretKey : KeySelector {};
struct FieldRef {
    std::string path;  // "metadata.name", "metadata.labels['a']", "status.podIP", ...
};
struct ResourceFieldRef {
    std::string container;  // Empty: the container that asks.
    std::string resource;   // "limits.cpu", "requests.memory", ...
    std::string divisor;    // A quantity; empty or "0" means 1.
};

struct EnvVar {
    std::string name;
    // The text may hold $(OTHER) references.
    std::variant<std::string, ConfigMapKey, SecretKey, FieldRef, ResourceFieldRef> value;
};

struct EnvFrom {
    enum class Kind : std::uint8_t { config_map, secret } kind = Kind::config_map;
    std::string object;
    std::string prefix;
    bool optional = false;
};

struct Port {
    std::string name;
    std::int32_t container_port = 0;
    std::int32_t host_port = 0;  // 0: not published.
    std::string host_ip;
    std::string protocol = "TCP";
};

// Absent means unset, which differs from zero for quality of service and for limits.
struct Resources {
    std::optional<std::int64_t> cpu_request_milli;
    std::optional<std::int64_t> cpu_limit_milli;
    std::optional<std::int64_t> memory_request_bytes;
    std::optional<std::int64_t> memory_limit_bytes;
    std::optional<std::int64_t> storage_request_bytes;
    std::optional<std::int64_t> storage_limit_bytes;
};

struct VolumeMount {
    std::string volume;
    std::string mount_path;
    std::string sub_path;
    std::string sub_path_expr;  // Like sub_path, with $(VAR) from the container's environment.
    bool read_only = false;
    Propagation propagation = Propagation::none;
};

struct SeccompProfile {
    enum class Type : std::uint8_t {
        unconfined,
        runtime_default,
        localhost
    } type = Type::unconfined;
    std::string localhost_path;
};

// Of a container, with the pod's values already merged in where Kubernetes does so.
struct SecurityContext {
    std::optional<std::int64_t> run_as_user;
    std::optional<std::int64_t> run_as_group;
    bool run_as_non_root = false;
    bool privileged = false;
    bool read_only_root = false;
    std::optional<bool> allow_privilege_escalation;
    bool unmasked_proc = false;
    std::vector<std::string> add_capabilities;
    std::vector<std::string> drop_capabilities;
    std::optional<SeccompProfile> seccomp;
};

struct ContainerSpec {
    std::string name;
    std::string image;
    PullPolicy pull_policy = PullPolicy::if_not_present;
    std::vector<std::string> command;
    std::vector<std::string> args;
    std::string working_dir;
    std::vector<Port> ports;
    std::vector<EnvFrom> env_from;
    std::vector<EnvVar> env;
    std::vector<VolumeMount> mounts;
    Resources resources;
    SecurityContext security;
    std::string message_path = "/dev/termination-log";
    MessagePolicy message_policy = MessagePolicy::file;
    bool stdin_open = false;
    bool stdin_once = false;
    bool tty = false;
    // Of the fields a running pod may have changed (name and image, as kubelet): a container whose
    // hash differs is replaced. New defaulted fields of a newer control plane change nothing.
    std::string hash;
};

struct KeyToPath {
    std::string key;
    std::string path;
    std::optional<std::uint32_t> mode;
};

struct ConfigMapSource {
    std::string object;
    std::vector<KeyToPath> items;  // Empty: all keys.
    std::optional<std::uint32_t> default_mode;
    bool optional = false;
};
struct SecretSource : ConfigMapSource {};
struct DownwardFile {
    std::string path;
    std::variant<FieldRef, ResourceFieldRef> value;
    std::optional<std::uint32_t> mode;
};
struct DownwardSource {
    std::vector<DownwardFile> items;
    std::optional<std::uint32_t> default_mode;
};
// One token serves all sources of a pod that ask for the same.
struct TokenTerms {
    std::string audience;  // Empty: the Kubernetes API.
    std::int64_t expiration_seconds = 3600;

    auto operator<=>(const TokenTerms&) const = default;
};
struct TokenSource {
    TokenTerms terms;
    std::string path;
};
struct ProjectedSource {
    std::vector<std::variant<ConfigMapSource, SecretSource, DownwardSource, TokenSource>> sources;
    std::optional<std::uint32_t> default_mode;
};
struct EmptyDirSource {
    bool memory = false;
    std::optional<std::int64_t> size_limit_bytes;
};
struct HostPathSource {
    std::string path;
    std::string type;  // "", "Directory", "DirectoryOrCreate", "File", ...
};

struct Volume {
    std::string name;
    std::variant<
        EmptyDirSource, HostPathSource, ConfigMapSource, SecretSource, DownwardSource,
        ProjectedSource>
        source;
};

struct DnsConfig {
    std::vector<std::string> servers;
    std::vector<std::string> searches;
    std::vector<std::string> options;  // "ndots:5"
};

struct HostAlias {
    std::string ip;
    std::vector<std::string> hostnames;
};

struct PodSpec {
    PodIdentity identity;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;
    std::int64_t generation = 0;

    // "Succeeded" or "Failed" as the cluster knows it; empty: it has not ended.
    std::string final_phase;

    // Set once the API server has accepted the deletion.
    bool deleting = false;
    std::optional<std::chrono::seconds> deletion_grace;

    std::string node_name;
    std::string service_account;
    RestartPolicy restart_policy = RestartPolicy::always;
    std::chrono::seconds grace{30};
    std::optional<std::chrono::seconds> active_deadline;

    bool host_network = false;
    bool host_pid = false;
    bool host_ipc = false;
    bool share_processes = false;
    bool service_links = true;  // Whether the Services of its namespace are in its environment.
    std::string hostname;
    std::string subdomain;
    DnsPolicy dns_policy = DnsPolicy::cluster_first;
    DnsConfig dns_config;
    std::vector<HostAlias> host_aliases;

    // Pod-wide security settings that have no place in a container.
    std::optional<std::int64_t> fs_group;
    std::vector<std::int64_t> supplemental_groups;
    std::map<std::string, std::string> sysctls;
    std::optional<SeccompProfile> seccomp;

    std::vector<ContainerSpec> init_containers;
    std::vector<ContainerSpec> containers;
    std::vector<Volume> volumes;
    std::vector<std::string> readiness_gates;
    Resources total;  // Over the pod: the sum of the containers, or an init container if larger.
    QosClass qos = QosClass::best_effort;

    // Sentences, each naming a field that this edgecore does not carry out.
    std::vector<std::string> unsupported;

    [[nodiscard]] const ContainerSpec* find_container(std::string_view name) const;
    // The user that all containers are told to run as; nothing when they differ or one is not told.
    [[nodiscard]] std::optional<std::int64_t> common_user() const;
};

using PodSpecPtr = std::shared_ptr<const PodSpec>;

// `content` is the object as delivered (without status); the uid travels beside it.
Result<PodSpec> parse_pod(const json::Value& content, std::string uid);

// "hello_default(1b4e...)", as kubelet names a pod in its messages.
std::string pod_title(const PodIdentity& identity);

}  // namespace farhold::podspec
