// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kubernetes/cluster_credentials.hpp"

#include "common/base/encoding.hpp"
#include "common/pki/key.hpp"

#include <filesystem>
#include <fstream>
#include <utility>

namespace farhold::test {

namespace fs = std::filesystem;

ClusterCredentials::ClusterCredentials(std::string folder, std::string server_url)
    : folder_(std::move(folder)),
      server_url_(std::move(server_url)),
      authority_(pki::CertificateAuthority::create("test-cluster", std::chrono::system_clock::now())
      ) {
    fs::create_directories(folder_);
    pki::CertificateSpec server;
    server.common_name = "kube-apiserver";
    server.dns_names = {"localhost", "kubernetes.default.svc"};
    server.ip_addresses = {"127.0.0.1", "10.96.0.1"};
    server.server_auth = true;
    const auto key = pki::PrivateKey::generate();
    write_file(ca_file(), authority_.certificate().pem);
    write_file(
        folder_ + "/server.crt",
        authority_.issue(key.public_key(), server, std::chrono::system_clock::now()).value()
    );
    write_file(folder_ + "/server.key", key.to_pem());
    write_file(folder_ + "/accounts.key", pki::PrivateKey::generate().to_pem());
}

ClusterCredentials::Identity ClusterCredentials::user(
    const std::string& name, const std::vector<std::string>& groups, std::chrono::seconds life
) const {
    pki::CertificateSpec spec;
    spec.common_name = name;
    spec.organizations = groups;
    spec.client_auth = true;
    spec.life = life;
    const auto key = pki::PrivateKey::generate();
    return {
        authority_.issue(key.public_key(), spec, std::chrono::system_clock::now()).value(),
        key.to_pem()
    };
}

std::string ClusterCredentials::kubeconfig(const std::string& name, const Identity& identity)
    const {
    return write_kubeconfig(
        name, "{client-certificate-data: " + base64_encode(identity.certificate_pem) +
                  ", client-key-data: " + base64_encode(identity.key_pem) + "}"
    );
}

std::string ClusterCredentials::kubeconfig_with_files(
    const std::string& name, const std::string& certificate_file, const std::string& key_file
) const {
    return write_kubeconfig(
        name, "{client-certificate: " + certificate_file + ", client-key: " + key_file + "}"
    );
}

std::string ClusterCredentials::kubeconfig_with_token_file(
    const std::string& name, const std::string& token_file
) const {
    return write_kubeconfig(name, "{tokenFile: " + token_file + "}");
}

std::string ClusterCredentials::write_kubeconfig(const std::string& name, const std::string& user)
    const {
    const std::string path = folder_ + "/" + name + ".kubeconfig";
    write_file(
        path,
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
        "contexts: [{name: test, context: {cluster: test, user: test}}]\n"
        "clusters: [{name: test, cluster: {server: \"" +
            server_url_ +
            "\", certificate-authority-data: " + base64_encode(authority_.certificate().pem) +
            "}}]\nusers: [{name: test, user: " + user + "}]\n"
    );
    return path;
}

// By renaming, since a program may read it at any time.
void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new", std::ios::binary) << text;
    fs::permissions(path + ".new", fs::perms::owner_read | fs::perms::owner_write);
    fs::rename(path + ".new", path);
}

}  // namespace farhold::test
