// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/settings.hpp"

namespace farhold::cloud {

void declare_serve(config::Command& command, Settings& settings) {
    command.config_file(settings.config);
    command.setting(
        "standalone", settings.standalone, "serve an embedded Kubernetes API; no cluster is needed"
    );
    command.setting("data-dir", settings.data_dir, "where cloudcore keeps its state");
    command.setting("api-address", settings.api_address, "HOST:PORT of the embedded API");
    command.setting("hub-address", settings.hub_address, "HOST:PORT where machines connect");
    command.setting("health-address", settings.health_address, "HOST:PORT of health and metrics");
    command.setting(
        "hub-name", settings.hub_names,
        "name or address by which machines reach the hub; may be given several times"
    );
    settings.log.declare(command);
}

}  // namespace farhold::cloud
