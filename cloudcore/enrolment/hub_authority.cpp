// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/hub_authority.hpp"

#include "cloudcore/enrolment/hub_info.hpp"
#include "common/base/encoding.hpp"

#include <optional>
#include <string_view>
#include <utility>

namespace farhold::enrolment {

namespace {

using json::Value;
using pki::CertificateAuthority;

constexpr unsigned kPublicMode = 0644;
constexpr unsigned kSecretMode = 0600;
const std::string kNamespace = "kube-system";
constexpr std::string_view kCertificate = "tls.crt";
constexpr std::string_view kKey = "tls.key";

CertificateAuthority make_authority(WallTime now) {
    return CertificateAuthority::create("farhold-hub-ca", now);
}

// nullopt: there is no such file yet.
Result<std::optional<std::string>> read_optional(const std::string& path) {
    auto content = datadir::read_file(path);
    if (content) {
        return std::optional(std::move(*content));
    }
    if (content.error().code() == ErrorCode::not_found) {
        return std::optional<std::string>();
    }
    return fail(content.error());
}

// The key is written first: a certificate without its key would be useless for ever.
Result<void> write_authority(const datadir::DataDir& dir, const CertificateAuthority& authority) {
    const auto done = datadir::write_file(dir.file("hub-ca.key"), authority.key_pem(), kSecretMode);
    if (!done) {
        return done;
    }
    return datadir::write_file(dir.file("hub-ca.crt"), authority.certificate().pem, kPublicMode);
}

Value to_secret(const std::string& name, const CertificateAuthority& authority) {
    Value secret = Value::make_object();
    secret.set("apiVersion", Value::of("v1"));
    secret.set("kind", Value::of("Secret"));
    Value& metadata = secret.set("metadata", Value::make_object());
    metadata.set("name", Value::of(name));
    metadata.set("namespace", Value::of(kNamespace));
    secret.set("type", Value::of("kubernetes.io/tls"));
    Value& data = secret.set("data", Value::make_object());
    data.set(kCertificate, Value::of(base64_encode(authority.certificate().pem)));
    data.set(kKey, Value::of(base64_encode(authority.key_pem())));
    return secret;
}

Result<CertificateAuthority> read_secret(const Value& secret) {
    const auto certificate = base64_decode(secret.text_at({"data", kCertificate}));
    const auto key = base64_decode(secret.text_at({"data", kKey}));
    if (!certificate || !key) {
        return fail(!certificate ? certificate.error() : key.error());
    }
    auto authority = CertificateAuthority::load(*certificate, *key);
    // Machines trust nothing above what they pin.
    if (authority && !authority->certificate().issued_by(authority->certificate())) {
        return fail(ErrorCode::invalid_argument, "tls.crt: not self-signed");
    }
    return authority;
}

}  // namespace

Result<CertificateAuthority> keep_authority(const datadir::DataDir& dir, WallTime now) {
    const auto certificate = read_optional(dir.file("hub-ca.crt"));
    const auto key = read_optional(dir.file("hub-ca.key"));
    if (!certificate || !key) {
        return fail(!certificate ? certificate.error() : key.error());
    }
    if (*certificate) {
        if (!*key) {
            return fail(ErrorCode::corrupt, dir.file("hub-ca.key") + ": missing");
        }
        auto authority = CertificateAuthority::load(**certificate, **key);
        if (!authority) {
            return fail(authority.error().within(dir.file("hub-ca.crt")));
        }
        return authority;
    }
    auto made = make_authority(now);
    if (auto done = write_authority(dir, made); !done) {
        return fail(done.error());
    }
    return made;
}

Task<Result<CertificateAuthority>> keep_authority(
    kubeapi::KubeObjects& client, std::string name, WallTime now
) {
    const std::string full_name = "Secret " + kNamespace + "/" + name;
    // Asked first, since the Secret is made before it: whoever sees the one must find the other.
    const auto published = co_await read_hub_info(client);
    if (!published && published.error().code() != ErrorCode::unavailable) {
        co_return fail(published.error());
    }
    auto secret = co_await client.get(kubeapi::kSecrets, kNamespace, name);
    const bool is_missing = !secret && secret.error().code() == ErrorCode::not_found;
    if (is_missing && published) {
        co_return fail(
            ErrorCode::corrupt,
            full_name +
                " is gone, and machines trust what was in it; put it back, or delete "
                "ConfigMap kube-system/farhold-hub to let every machine join anew"
        );
    }
    if (is_missing) {
        secret = co_await client.create(
            kubeapi::kSecrets, kNamespace, to_secret(name, make_authority(now))
        );
        if (!secret && secret.error().code() == ErrorCode::already_exists) {
            secret = co_await client.get(kubeapi::kSecrets, kNamespace, name);
        }
    }
    if (!secret) {
        co_return fail(secret.error().within(full_name));
    }
    auto authority = read_secret(*secret);
    if (!authority) {
        co_return fail(authority.error().within(full_name));
    }
    co_return authority;
}

}  // namespace farhold::enrolment
