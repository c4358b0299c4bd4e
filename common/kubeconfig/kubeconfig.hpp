// SPDX-License-Identifier: Apache-2.0
//
// Pure: the file by which kubectl and our own command line find and prove an API server. We write it
// with embedded credentials, and read what kubectl reads: the current context's cluster and user.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>

namespace farhold::kubeconfig {

struct Kubeconfig {
    std::string server;  // https://HOST:PORT
    std::string ca_pem;
    std::string client_certificate_pem;
    std::string client_key_pem;
    std::string token;
};

// `name` is used for the cluster, the user and the context.
std::string render(const Kubeconfig& config, std::string_view name);

// Errors name `path` and the field. Credentials in files of their own (certificate-authority, ...)
// are not read here: `unsupported`.
Result<Kubeconfig> parse(const std::string& text, const std::string& path);

}  // namespace farhold::kubeconfig
