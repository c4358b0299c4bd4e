// SPDX-License-Identifier: Apache-2.0
//
// A cluster's Kubernetes API over HTTPS. Connections are kept; a server that asks for patience
// (Retry-After) gets it, credentials that were renewed in their files are taken up, and a watch is
// never started from a revision that the server has not reached: a server restored from a backup would
// stay silent until it has. Runs on the caller's executor.
#pragma once

#include "cloudcore/kube/cluster_config.hpp"
#include "cloudcore/kube/cluster_credentials.hpp"
#include "cloudcore/kube/plugin_credentials.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/rest_objects.hpp"
#include "common/log/trouble.hpp"
#include "common/net/http_pool.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace farhold::kube {

struct RequestKind {
    std::string verb;
    std::string resource;
    int code = 0;  // Of the answer; 0: there was none.

    auto operator<=>(const RequestKind&) const = default;
};
using RequestCounts = std::map<RequestKind, std::uint64_t>;

class ClusterClient final : public kubeapi::RestObjects {
public:
    // `clock` outlives the client, and the client its requests and watches. Asks nobody yet, a
    // credential plugin neither. The logger is told when the API begins and ends to be of no use.
    static Result<std::unique_ptr<ClusterClient>> open(
        ClusterConfig config, const Clock& clock, const log::Logger& logger = {}
    );

    Task<Result<kubeapi::ListResult>> list(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options
    ) override;
    Task<Result<std::unique_ptr<kubeapi::WatchStream>>> watch(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options, std::string resource_version
    ) override;
    // By a watch that begins with the list, which spares the server the pages; from one that does not
    // tell it whole, by pages.
    Task<Result<kubeapi::ListedWatch>> list_and_watch(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options
    ) override;

    // Since the start, each try by itself.
    [[nodiscard]] const RequestCounts& requests() const { return requests_; }

private:
    ClusterClient(
        net::Endpoint server, ClusterConfig config, const Clock& clock, const log::Logger& logger
    );

    Task<Result<json::Value>> ask(kubeapi::RestRequest request) override;
    Task<Result<net::HttpResponse>> ask_once(kubeapi::RestRequest request);
    Task<Result<kubeapi::ListedWatch>> list_by_watch(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options
    );
    Task<Result<std::unique_ptr<net::HttpStream>>> start_watch(kubeapi::RestRequest request);
    // Takes up what has changed; answers the token.
    Task<Result<std::string>> prepare();
    Result<std::string> use(Credentials credentials);
    void refused();
    void failed(const Error& error);
    // Whether the server is as far as that. A list that was just made has shown it, once.
    Task<Result<>> check_reached(
        kubeapi::ResourceRef resource, kubeapi::ListOptions options, std::string resource_version
    );

    ClusterConfig config_;
    std::string server_name_;
    const Clock& clock_;
    ClusterCredentials credentials_;
    std::optional<PluginCredentials> plugin_;
    Credentials in_use_;
    bool has_tls_ = false;
    net::HttpPool pool_;
    Random random_;
    log::Trouble trouble_;
    bool lists_by_watch_ = true;
    std::map<std::string, std::string> listed_;  // By group and plural: the last list's version.
    RequestCounts requests_;
};

}  // namespace farhold::kube
