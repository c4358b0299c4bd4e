// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a credential plugin is told and what it answers, an ExecCredential each.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/kubeconfig/kubeconfig.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace farhold::kube {

struct ExecCredential {
    std::string token;
    std::string certificate_pem;  // With its key; both empty: none.
    std::string key_pem;
    std::optional<WallTime> expires;
};

// For $KUBERNETES_EXEC_INFO. `ca_pem` is what config names, wherever it stands.
std::string exec_info(
    const kubeconfig::CredentialPlugin& plugin, const kubeconfig::Kubeconfig& config,
    std::string_view ca_pem
);

// An answer without anything to log in with is an error. `api_version` is the plugin's.
Result<ExecCredential> read_exec_credential(std::string_view text, std::string_view api_version);

}  // namespace farhold::kube
