// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/settings.hpp"

namespace farhold::cloud {

void declare_serve(config::Command& command, Settings& settings) {
    command.config_file(settings.config);
    command.setting(
        "standalone", settings.standalone, "serve an embedded Kubernetes API; no cluster is needed"
    );
    command.setting(
        "kubeconfig", settings.kubeconfig,
        "FILE that names the cluster to serve; default: $KUBECONFIG, else in-cluster"
    );
    command.setting("data-dir", settings.data_dir, "where cloudcore keeps its state");
    command.setting("api-address", settings.api_address, "HOST:PORT of the embedded API");
    command.setting("hub-address", settings.hub_address, "HOST:PORT where machines connect");
    command.setting(
        "kubelet-address", settings.kubelet_address,
        "beside a cluster: HOST:PORT where the API server finds the kubelet of all machines"
    );
    command.setting("health-address", settings.health_address, "HOST:PORT of health and metrics");
    command.setting(
        "hub-name", settings.hub_names,
        "HOST[:PORT] by which machines reach the hub, without a PORT that of --hub-address; may be "
        "given several times"
    );
    command.setting(
        "hub-ca-secret", settings.hub_ca_secret,
        "beside a cluster: the Secret in kube-system with the hub's CA, made unless it is there"
    );
    settings.log.declare(command);
}

}  // namespace farhold::cloud
