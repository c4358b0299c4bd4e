// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/cluster_credentials.hpp"

#include "common/datadir/data_dir.hpp"

#include <chrono>
#include <utility>

namespace farhold::kube {

namespace {

constexpr Duration kReadAgain = std::chrono::minutes(1);

// What stands in the configuration itself goes before a file.
Result<std::string> embedded_or_file(const std::string& embedded, const std::string& path) {
    return !embedded.empty() || path.empty() ? embedded : datadir::read_file(path);
}

std::string trimmed(std::string text) {
    text.erase(text.find_last_not_of(" \r\n\t") + 1);
    return text;
}

}  // namespace

Result<Credentials> ClusterCredentials::current(Instant now) {
    if (kept_ && read_at_ && now - *read_at_ < kReadAgain) return *kept_;
    auto fresh = read();
    if (fresh) {
        kept_ = std::move(*fresh);
    } else if (!kept_) {
        return fresh;
    }
    read_at_ = now;
    return *kept_;
}

Result<Credentials> ClusterCredentials::read() const {
    Credentials credentials;
    const struct {
        const std::string& embedded;
        const std::string& file;
        std::string& into;
    } all[] = {
        {config_.ca_pem, config_.ca_file, credentials.ca_pem},
        {config_.client_certificate_pem, config_.client_certificate_file,
         credentials.certificate_pem},
        {config_.client_key_pem, config_.client_key_file, credentials.key_pem},
        {config_.token, config_.token_file, credentials.token},
    };
    for (const auto& [embedded, file, into] : all) {
        auto text = embedded_or_file(embedded, file);
        if (!text) return fail(text.error().within("credentials for the cluster"));
        into = std::move(*text);
    }
    credentials.token = trimmed(std::move(credentials.token));
    return credentials;
}

}  // namespace farhold::kube
