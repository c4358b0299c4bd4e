// SPDX-License-Identifier: Apache-2.0
//
// Pure: the file by which kubectl and our own programs find and prove an API server. We write it with
// embedded credentials, and read what kubectl reads: the current context's cluster and user.
#pragma once

#include "common/base/error.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::kubeconfig {

// A program that gives credentials when it is run: users[].user.exec.
struct CredentialPlugin {
    std::string api_version;  // client.authentication.k8s.io/v1 or /v1beta1
    std::string command;      // A path, or a name to be found in $PATH.
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;  // Beside ours.
    std::string install_hint;
    bool wants_cluster = false;  // To be told which cluster it is for.
};

struct Kubeconfig {
    std::string server;           // https://HOST:PORT
    std::string tls_server_name;  // In the server's certificate; empty: the host.
    // Each embedded or in a file of its own, which may change while it is used.
    std::string ca_pem, ca_file;
    std::string client_certificate_pem, client_certificate_file;
    std::string client_key_pem, client_key_file;
    std::string token, token_file;
    std::optional<CredentialPlugin> plugin;
};

// `name` is used for the cluster, the user and the context.
std::string render(const Kubeconfig& config, std::string_view name);

struct File {
    std::string path;
    std::string text;
};

// As if the files were one, of which the first that says something is right: about the current
// context, and about a cluster, a user or a context of some name as a whole. Errors name the file and
// the field. What a file names is found beside it, as kubectl does. What would leave the server
// unproved, and ways to log in that we have not, are `unsupported`.
Result<Kubeconfig> parse(std::span<const File> files);
Result<Kubeconfig> parse(const std::string& text, const std::string& path);

}  // namespace farhold::kubeconfig
