// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/api_of_command.hpp"

#include "cloudcore/kube/cluster_client.hpp"
#include "common/base/time.hpp"
#include "common/service/service.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace farhold::cloud {

namespace {

Result<kube::ClusterConfig> find_api(const std::string& kubeconfig, const std::string& data_dir) {
    if (!kubeconfig.empty()) return kube::find_cluster(kubeconfig);
    auto standalone = kube::find_cluster(data_dir + "/admin.kubeconfig");
    if (standalone || standalone.error().code() != ErrorCode::not_found) return standalone;
    auto beside = kube::find_cluster("");
    return beside ? beside : standalone;
}

Task<int> run_through(
    const ApiOfCommand::Work& work, Result<kube::ClusterConfig> config, bool is_own
) {
    const SystemClock clock;
    const bool is_found = config.has_value();
    auto client =
        config ? kube::ClusterClient::open(std::move(*config), clock) : fail(config.error());
    Result<std::string> output = client ? co_await work(**client) : fail(client.error());
    if (!output) {
        const bool is_away = !is_found || output.error().code() == ErrorCode::unavailable;
        fmt::print(
            stderr, "cloudcore: {}{}\n", output.error().message(),
            is_own && is_away ? " (this needs a running cloudcore)" : ""
        );
        co_return config::kExitFailed;
    }
    std::fputs(output->c_str(), stdout);
    co_return config::kExitDone;
}

}  // namespace

void ApiOfCommand::declare(config::Command& command) {
    command.setting("data-dir", data_dir_, "data folder of the running cloudcore");
    command.setting("kubeconfig", kubeconfig_, "FILE that names the API instead");
}

int ApiOfCommand::run(const Work& work) const {
    const bool is_own = kubeconfig_.empty();
    return service::run([&](const Executor&) {
        return run_through(work, find_api(kubeconfig_, data_dir_), is_own);
    });
}

}  // namespace farhold::cloud
