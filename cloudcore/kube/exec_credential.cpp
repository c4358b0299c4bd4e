// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/exec_credential.hpp"

#include "common/base/encoding.hpp"
#include "common/json/value.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

namespace farhold::kube {

using json::Value;

namespace {

constexpr std::string_view kKind = "ExecCredential";

std::unexpected<Error> bad(std::string what) {
    return fail(ErrorCode::corrupt, std::move(what));
}

}  // namespace

std::string exec_info(
    const kubeconfig::CredentialPlugin& plugin, const kubeconfig::Kubeconfig& config,
    std::string_view ca_pem
) {
    Value info = Value::make_object();
    info.set("apiVersion", Value::of(plugin.api_version));
    info.set("kind", Value::of(kKind));
    Value& spec = info.set("spec", Value::make_object());
    spec.set("interactive", Value::of(false));
    if (plugin.wants_cluster) {
        Value& cluster = spec.set("cluster", Value::make_object());
        cluster.set("server", Value::of(config.server));
        if (!config.tls_server_name.empty()) {
            cluster.set("tls-server-name", Value::of(config.tls_server_name));
        }
        cluster.set("certificate-authority-data", Value::of(base64_encode(ca_pem)));
    }
    return info.dump();
}

Result<ExecCredential> read_exec_credential(std::string_view text, std::string_view api_version) {
    const auto answer = Value::parse(text);
    if (!answer) return bad("its output is no JSON: " + answer.error().message());
    const std::string_view kind = answer->text_at({"kind"});
    const std::string_view version = answer->text_at({"apiVersion"});
    if (kind != kKind || version != api_version) {
        return bad(fmt::format(
            "its output is no ExecCredential of {} but {} {}", api_version, version, kind
        ));
    }
    ExecCredential credential;
    credential.token = answer->text_at({"status", "token"});
    credential.certificate_pem = answer->text_at({"status", "clientCertificateData"});
    credential.key_pem = answer->text_at({"status", "clientKeyData"});
    if (credential.certificate_pem.empty() != credential.key_pem.empty()) {
        return bad("it answers a certificate or a key without the other");
    }
    if (credential.token.empty() && credential.key_pem.empty()) {
        return bad("it answers neither a token nor a certificate");
    }
    const bool has_line_end = credential.token.find_first_of("\r\n") != std::string::npos;
    if (has_line_end) return bad("it answers a token of several lines");
    const std::string_view expires = answer->text_at({"status", "expirationTimestamp"});
    if (!expires.empty()) {
        const auto time = object::parse_time(expires);
        if (!time) return bad("status.expirationTimestamp: " + time.error().message());
        credential.expires = *time;
    }
    return credential;
}

}  // namespace farhold::kube
