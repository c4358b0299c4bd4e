// SPDX-License-Identifier: Apache-2.0
//
// cloudcore's settings: flags and keys of its configuration file alike.
#pragma once

#include "common/config/command_line.hpp"
#include "common/service/log_settings.hpp"

#include <string>
#include <vector>

namespace farhold::cloud {

struct Settings {
    std::string config;
    bool standalone = false;
    std::string kubeconfig;  // Empty: $KUBECONFIG, else the ServiceAccount of the Pod we run in.
    std::string data_dir = "/var/lib/farhold/cloud";
    std::string api_address = "127.0.0.1:6443";
    std::string hub_address = "0.0.0.0:10000";
    std::string health_address = "127.0.0.1:10001";
    std::string kubelet_address = "0.0.0.0:10250";
    std::vector<std::string> hub_names;  // HOST[:PORT]; empty: the host's name and addresses.
    std::string hub_ca_secret = "farhold-hub-ca";
    service::LogSettings log;
};

void declare_serve(config::Command& command, Settings& settings);

}  // namespace farhold::cloud
