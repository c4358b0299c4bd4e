// SPDX-License-Identifier: Apache-2.0
//
// The certificates and kubeconfigs of a test's control plane.
#pragma once

#include "common/pki/certificate.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace farhold::test {

class ClusterCredentials {
public:
    // Writes ca.crt, server.crt, server.key and accounts.key into the folder.
    ClusterCredentials(std::string folder, std::string server_url);

    std::string ca_file() const { return folder_ + "/ca.crt"; }

    struct Identity {
        std::string certificate_pem;
        std::string key_pem;
    };
    Identity user(
        const std::string& name, const std::vector<std::string>& groups,
        std::chrono::seconds life = std::chrono::hours(24)
    ) const;

    // Writes NAME.kubeconfig and answers its path.
    std::string kubeconfig(const std::string& name, const Identity& identity) const;
    // The same, with what proves the user read from files.
    std::string kubeconfig_with_files(
        const std::string& name, const std::string& certificate_file, const std::string& key_file
    ) const;
    std::string kubeconfig_with_token_file(const std::string& name, const std::string& token_file)
        const;

private:
    std::string write_kubeconfig(const std::string& name, const std::string& user) const;

    std::string folder_;
    std::string server_url_;
    pki::CertificateAuthority authority_;
};

void write_file(const std::string& path, const std::string& text);

}  // namespace farhold::test
