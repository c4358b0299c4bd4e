// SPDX-License-Identifier: Apache-2.0
#include "edgecore/localapi/local_credentials.hpp"

#include "common/datadir/data_dir.hpp"
#include "common/pki/certificate.hpp"
#include "common/pki/key.hpp"

#include <utility>

namespace farhold::localapi {

namespace {

constexpr Duration kLife = std::chrono::hours(24 * 3650);

struct Part {
    const char* file;
    std::string LocalCredentials::* member;
};
constexpr Part kParts[] = {
    {"ca.crt", &LocalCredentials::ca_pem},
    {"server.crt", &LocalCredentials::server_certificate_pem},
    {"server.key", &LocalCredentials::server_key_pem},
    {"client.crt", &LocalCredentials::client_certificate_pem},
    {"client.key", &LocalCredentials::client_key_pem},
};

Result<WallTime> not_before(const std::string& pem) {
    auto certificate = pki::Certificate::from_pem(pem);
    if (!certificate) return fail(certificate.error());
    return certificate->not_before;
}

Result<LocalCredentials> load(const std::filesystem::path& directory, WallTime now) {
    LocalCredentials loaded;
    for (const Part& part : kParts) {
        auto text = datadir::read_file(directory / part.file);
        if (!text) return fail(text.error());
        loaded.*part.member = std::move(*text);
    }
    auto certificate = pki::Certificate::from_pem(loaded.server_certificate_pem);
    if (!certificate) return fail(certificate.error());
    if (now < certificate->not_before || now >= certificate->not_after) {
        return fail(ErrorCode::not_found, "outside the clock's range");
    }
    loaded.issued = certificate->not_before;
    return loaded;
}

Result<LocalCredentials> make(const std::filesystem::path& directory, WallTime now) {
    const auto authority = pki::CertificateAuthority::create("farhold local API", now);
    const auto issue = [&](pki::CertificateSpec spec, std::string& certificate,
                           std::string& key_pem) -> Result<> {
        const pki::PrivateKey key = pki::PrivateKey::generate();
        spec.life = kLife;
        auto issued = authority.issue(key.public_key(), spec, now);
        if (!issued) return fail(issued.error());
        certificate = std::move(*issued);
        key_pem = key.to_pem();
        return {};
    };
    LocalCredentials made;
    made.ca_pem = authority.certificate().pem;
    pki::CertificateSpec server;
    server.common_name = "edgecore";
    server.dns_names = {"localhost"};
    server.ip_addresses = {"127.0.0.1"};
    server.server_auth = true;
    if (auto done = issue(server, made.server_certificate_pem, made.server_key_pem); !done) {
        return fail(done.error());
    }
    pki::CertificateSpec client;
    client.common_name = "local-admin";
    client.organizations = {"system:masters"};
    client.client_auth = true;
    if (auto done = issue(client, made.client_certificate_pem, made.client_key_pem); !done) {
        return fail(done.error());
    }
    for (const Part& part : kParts) {
        auto written = datadir::write_file(directory / part.file, made.*part.member);
        if (!written) return fail(written.error());
    }
    auto issued = not_before(made.server_certificate_pem);
    if (!issued) return fail(issued.error());
    made.issued = *issued;
    return made;
}

}  // namespace

Result<LocalCredentials> open_local_credentials(
    const std::filesystem::path& directory, WallTime now
) {
    // Whatever cannot be read is made anew: nothing outside this folder depends on it.
    if (auto loaded = load(directory, now)) return loaded;
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        return fail(ErrorCode::internal, directory.string() + ": " + error.message());
    }
    return make(directory, now);
}

Result<> write_kubeconfig(
    const std::filesystem::path& data_dir, const LocalCredentials& credentials,
    const std::string& server
) {
    const kubeconfig::Kubeconfig config{
        .server = server,
        .ca_pem = credentials.ca_pem,
        .client_certificate_pem = credentials.client_certificate_pem,
        .client_key_pem = credentials.client_key_pem,
        .token = {},
    };
    const auto path = data_dir / "local.kubeconfig";
    const std::string text = kubeconfig::render(config, "farhold-local");
    // Unchanged at nearly every start: spare the flash.
    if (const auto before = datadir::read_file(path); before && *before == text) return {};
    return datadir::write_file(path, text);
}

Result<kubeconfig::Kubeconfig> read_kubeconfig(const std::filesystem::path& data_dir) {
    const auto path = data_dir / "local.kubeconfig";
    auto text = datadir::read_file(path);
    if (!text) {
        return fail(
            ErrorCode::unavailable,
            "no edgecore has run on " + data_dir.string() + " (" + text.error().message() + ")"
        );
    }
    return kubeconfig::parse(*text, path.string());
}

Result<WallTime> issue_time(const kubeconfig::Kubeconfig& config) {
    return not_before(config.client_certificate_pem);
}

}  // namespace farhold::localapi
