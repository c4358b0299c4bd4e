// SPDX-License-Identifier: Apache-2.0
#include "common/kubeconfig/kubeconfig.hpp"

#include "common/base/encoding.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace farhold::kubeconfig {

namespace {

std::string text_of(const YAML::Node& node) {
    return node.IsDefined() && node.IsScalar() ? node.Scalar() : std::string();
}

// The entry of that name in one of kubeconfig's lists of {name, <kind>: {...}}.
YAML::Node named(const YAML::Node& list, const std::string& name, const char* kind) {
    for (const YAML::Node& entry : list) {
        if (entry.IsMap() && text_of(entry["name"]) == name) return entry[kind];
    }
    return YAML::Node(YAML::NodeType::Undefined);
}

Result<std::string> embedded(
    const YAML::Node& node, const std::string& field, const std::string& path
) {
    if (node[field].IsDefined()) {
        return fail(
            ErrorCode::unsupported,
            fmt::format("{}: {} in a file of its own is not read; embed it", path, field)
        );
    }
    auto decoded = base64_decode(text_of(node[field + "-data"]));
    if (!decoded) return fail(decoded.error().within(fmt::format("{}: {}-data", path, field)));
    return decoded;
}

Result<Kubeconfig> parse_yaml(const YAML::Node& root, const std::string& path) {
    const auto missing = [&](std::string_view what) {
        return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", path, what));
    };
    if (!root.IsMap()) return missing("not a kubeconfig");
    const std::string current = text_of(root["current-context"]);
    const YAML::Node context = named(root["contexts"], current, "context");
    if (!context.IsDefined() || !context.IsMap()) {
        return missing(fmt::format("current-context \"{}\" is not among the contexts", current));
    }
    const YAML::Node cluster = named(root["clusters"], text_of(context["cluster"]), "cluster");
    if (!cluster.IsDefined() || !cluster.IsMap())
        return missing("the context's cluster is missing");
    const YAML::Node user = named(root["users"], text_of(context["user"]), "user");
    if (!user.IsDefined() || !user.IsMap()) return missing("the context's user is missing");

    Kubeconfig config;
    config.server = text_of(cluster["server"]);
    if (!config.server.starts_with("https://")) {
        return missing("server must begin with https://");
    }
    auto ca = embedded(cluster, "certificate-authority", path);
    if (!ca) return fail(ca.error());
    auto certificate = embedded(user, "client-certificate", path);
    if (!certificate) return fail(certificate.error());
    auto key = embedded(user, "client-key", path);
    if (!key) return fail(key.error());
    config.ca_pem = std::move(*ca);
    config.client_certificate_pem = std::move(*certificate);
    config.client_key_pem = std::move(*key);
    config.token = text_of(user["token"]);
    return config;
}

}  // namespace

std::string render(const Kubeconfig& config, std::string_view name) {
    std::string user;
    if (!config.token.empty()) user += fmt::format("    token: {}\n", config.token);
    if (!config.client_certificate_pem.empty()) {
        user += fmt::format(
            "    client-certificate-data: {}\n    client-key-data: {}\n",
            base64_encode(config.client_certificate_pem), base64_encode(config.client_key_pem)
        );
    }
    return fmt::format(
        "apiVersion: v1\n"
        "kind: Config\n"
        "clusters:\n"
        "- name: {0}\n"
        "  cluster:\n"
        "    server: {1}\n"
        "    certificate-authority-data: {2}\n"
        "users:\n"
        "- name: {0}\n"
        "  user:\n"
        "{3}"
        "contexts:\n"
        "- name: {0}\n"
        "  context:\n"
        "    cluster: {0}\n"
        "    user: {0}\n"
        "current-context: {0}\n",
        name, config.server, base64_encode(config.ca_pem), user
    );
}

Result<Kubeconfig> parse(const std::string& text, const std::string& path) {
    try {
        return parse_yaml(YAML::Load(text), path);
    } catch (const YAML::Exception& error) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("{}:{}: {}", path, error.mark.line + 1, error.msg)
        );
    }
}

}  // namespace farhold::kubeconfig
