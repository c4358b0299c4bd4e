// SPDX-License-Identifier: Apache-2.0
//
// The local API's own small certificate authority: made at the first start, kept in DIR/local (0600),
// made again when the wall clock has left its ten years (a kubectl on this machine judges by that
// clock).
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/kubeconfig/kubeconfig.hpp"

#include <filesystem>
#include <string>

namespace farhold::localapi {

struct LocalCredentials {
    std::string ca_pem;
    std::string server_certificate_pem;
    std::string server_key_pem;
    std::string client_certificate_pem;
    std::string client_key_pem;
    WallTime issued;
};

Result<LocalCredentials> open_local_credentials(
    const std::filesystem::path& directory, WallTime now
);

// DIR/local.kubeconfig, mode 0600.
Result<> write_kubeconfig(
    const std::filesystem::path& data_dir, const LocalCredentials& credentials,
    const std::string& server
);
// `unavailable` when there is none: no edgecore has run on that folder.
Result<kubeconfig::Kubeconfig> read_kubeconfig(const std::filesystem::path& data_dir);

// When the credentials of that file were made.
Result<WallTime> issue_time(const kubeconfig::Kubeconfig& config);

}  // namespace farhold::localapi
