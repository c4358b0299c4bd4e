// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/cluster_config.hpp"

#include "common/datadir/data_dir.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::kube {

namespace {

// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

Result<ClusterConfig> read_kubeconfig(const std::string& path) {
    const auto text = datadir::read_file(path);
    if (!text) return fail(text.error());
    auto parsed = kubeconfig::parse(*text, path);
    if (!parsed) return fail(parsed.error());
    return ClusterConfig{path, std::move(*parsed)};
}

Result<ClusterConfig> read_kubeconfigs(const std::string& paths) {
    std::vector<kubeconfig::File> files;
    std::string_view rest = paths;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const std::string path(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (path.empty()) continue;
        auto text = datadir::read_file(path);
        if (text) {
            files.push_back({path, std::move(*text)});
        } else if (text.error().code() != ErrorCode::not_found) {
            return fail(text.error());
        }
    }
    if (files.empty()) {
        return fail(ErrorCode::not_found, "$KUBECONFIG names no file that exists: " + paths);
    }
    auto parsed = kubeconfig::parse(files);
    if (!parsed) return fail(parsed.error());
    return ClusterConfig{paths, std::move(*parsed)};
}

Result<ClusterConfig> in_cluster(const Environment& environment) {
    const std::string host = environment("KUBERNETES_SERVICE_HOST").value_or("");
    const std::string port = environment("KUBERNETES_SERVICE_PORT").value_or("");
    if (host.empty() || port.empty()) {
        return fail(
            ErrorCode::not_found,
            "no cluster: --kubeconfig and $KUBECONFIG are not set and this is no Pod "
            "(serve --standalone needs no cluster)"
        );
    }
    ClusterConfig config{"in-cluster", {}};
    const bool is_ipv6 = host.contains(':');
    config.kubeconfig.server = "https://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
    config.kubeconfig.ca_file = std::string(kServiceAccount) + "/ca.crt";
    config.kubeconfig.token_file = std::string(kServiceAccount) + "/token";
    return config;
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<ClusterConfig> find_cluster(const std::string& kubeconfig, const Environment& environment) {
    if (!kubeconfig.empty()) return read_kubeconfig(kubeconfig);
    const std::string named = environment("KUBECONFIG").value_or("");
    return named.empty() ? in_cluster(environment) : read_kubeconfigs(named);
}

}  // namespace farhold::kube
