// SPDX-License-Identifier: Apache-2.0
#include "common/kubeconfig/kubeconfig.hpp"

#include "common/base/encoding.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <utility>

namespace farhold::kubeconfig {

namespace {

std::string text_of(const YAML::Node& node) {
    return node.IsDefined() && node.IsScalar() ? node.Scalar() : std::string();
}

struct Document {
    YAML::Node root;
    std::string path;
};
using Documents = std::vector<Document>;

// An entry of kubeconfig's lists of {name, <kind>: {...}}, and the file that it stands in.
struct Entry {
    YAML::Node content;
    std::string path;
};

std::optional<Entry> named(
    const Documents& documents, const char* list, const std::string& name, const char* kind
) {
    for (const Document& document : documents) {
        for (const YAML::Node& entry : document.root[list]) {
            if (!entry.IsMap() || text_of(entry["name"]) != name) continue;
            const YAML::Node content = entry[kind];
            if (!content.IsDefined() || !content.IsMap()) return std::nullopt;
            return Entry{content, document.path};
        }
    }
    return std::nullopt;
}

// For people: all of them, since the fault is in none.
std::string paths_of(const Documents& documents) {
    std::string paths;
    for (const Document& document : documents) {
        paths += paths.empty() ? document.path : ":" + document.path;
    }
    return paths;
}

std::string current_context(const Documents& documents) {
    for (const Document& document : documents) {
        std::string current = text_of(document.root["current-context"]);
        if (!current.empty()) return current;
    }
    return {};
}

// A path in a kubeconfig is relative to its folder.
std::string beside(const std::string& path, const std::string& file) {
    const auto slash = path.rfind('/');
    const bool is_absolute = file.empty() || file.starts_with('/');
    return is_absolute || slash == std::string::npos ? file : path.substr(0, slash + 1) + file;
}

// FIELD-data, which goes before FIELD.
Result<> take_pem(
    const YAML::Node& node, const std::string& field, const std::string& path, std::string& pem,
    std::string& file
) {
    auto decoded = base64_decode(text_of(node[field + "-data"]));
    if (!decoded) return fail(decoded.error().within(fmt::format("{}: {}-data", path, field)));
    pem = std::move(*decoded);
    if (pem.empty()) file = beside(path, text_of(node[field]));
    return {};
}

Result<> refuse_fields(
    const YAML::Node& node, std::initializer_list<const char*> fields, const std::string& path
) {
    for (const char* field : fields) {
        const std::string value = text_of(node[field]);
        const bool is_set = node[field].IsDefined() && !node[field].IsNull() && value != "false";
        if (is_set) {
            return fail(
                ErrorCode::unsupported, fmt::format("{}: {} is not supported", path, field)
            );
        }
    }
    return {};
}

Result<std::vector<std::string>> read_arguments(const YAML::Node& list, const std::string& path) {
    std::vector<std::string> arguments;
    for (const YAML::Node& one : list) {
        if (!one.IsScalar()) {
            return fail(ErrorCode::invalid_argument, path + ": exec.args: not a list of texts");
        }
        arguments.push_back(one.Scalar());
    }
    return arguments;
}

// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
Result<CredentialPlugin> read_plugin(const Entry& user, const YAML::Node& cluster) {
    const YAML::Node exec = user.content["exec"];
    const auto bad = [&user](ErrorCode code, std::string_view what) {
        return fail(code, fmt::format("{}: exec{}", user.path, what));
    };
    if (!exec.IsMap()) return bad(ErrorCode::invalid_argument, " is not a map");
    CredentialPlugin plugin;
    plugin.api_version = text_of(exec["apiVersion"]);
    const bool is_v1 = plugin.api_version == "client.authentication.k8s.io/v1";
    if (!is_v1 && plugin.api_version != "client.authentication.k8s.io/v1beta1") {
        return bad(
            ErrorCode::unsupported,
            fmt::format(
                ".apiVersion \"{}\": neither client.authentication.k8s.io/v1 nor v1beta1",
                plugin.api_version
            )
        );
    }
    const std::string mode = text_of(exec["interactiveMode"]);
    if (mode == "Always") {
        return bad(ErrorCode::unsupported, ".interactiveMode \"Always\": nobody is there to ask");
    }
    if (mode != "Never" && mode != "IfAvailable" && (is_v1 || !mode.empty())) {
        return bad(ErrorCode::invalid_argument, ".interactiveMode: none of Never and IfAvailable");
    }
    plugin.command = text_of(exec["command"]);
    if (plugin.command.empty()) return bad(ErrorCode::invalid_argument, ".command is missing");
    if (plugin.command.contains('/')) plugin.command = beside(user.path, plugin.command);
    auto arguments = read_arguments(exec["args"], user.path);
    if (!arguments) return fail(arguments.error());
    plugin.arguments = std::move(*arguments);
    for (const YAML::Node& variable : exec["env"]) {
        const std::string name = variable.IsMap() ? text_of(variable["name"]) : std::string();
        if (name.empty()) return bad(ErrorCode::invalid_argument, ".env: an entry without a name");
        plugin.environment.emplace_back(name, text_of(variable["value"]));
    }
    plugin.install_hint = text_of(exec["installHint"]);
    plugin.wants_cluster = text_of(exec["provideClusterInfo"]) == "true";
    const YAML::Node extensions = cluster["extensions"];
    for (const YAML::Node& extension : extensions) {
        const bool is_for_us = plugin.wants_cluster && extension.IsMap() &&
                               text_of(extension["name"]) == "client.authentication.k8s.io/exec";
        if (is_for_us) {
            return bad(ErrorCode::unsupported, ": the cluster's extension for it is not passed on");
        }
    }
    return plugin;
}

Result<Kubeconfig> parse_yaml(const Documents& documents) {
    const std::string paths = paths_of(documents);
    const auto missing = [](const std::string& path, std::string_view what) {
        return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", path, what));
    };
    for (const Document& document : documents) {
        // An empty file is one, too.
        const bool is_one = document.root.IsMap() || document.root.IsNull();
        if (!is_one) return missing(document.path, "not a kubeconfig");
    }
    const std::string current = current_context(documents);
    const auto context = named(documents, "contexts", current, "context");
    if (!context) {
        return missing(
            paths, fmt::format("current-context \"{}\" is not among the contexts", current)
        );
    }
    const auto cluster =
        named(documents, "clusters", text_of(context->content["cluster"]), "cluster");
    if (!cluster) return missing(paths, "the context's cluster is missing");
    const auto user = named(documents, "users", text_of(context->content["user"]), "user");
    if (!user) return missing(paths, "the context's user is missing");

    Kubeconfig config;
    config.server = text_of(cluster->content["server"]);
    if (!config.server.starts_with("https://")) {
        return missing(cluster->path, "server must begin with https://");
    }
    config.tls_server_name = text_of(cluster->content["tls-server-name"]);
    config.token = text_of(user->content["token"]);
    if (config.token.empty()) {
        config.token_file = beside(user->path, text_of(user->content["tokenFile"]));
    }
    const Result<> steps[] = {
        refuse_fields(cluster->content, {"insecure-skip-tls-verify", "proxy-url"}, cluster->path),
        refuse_fields(user->content, {"auth-provider", "username", "as"}, user->path),
        take_pem(
            cluster->content, "certificate-authority", cluster->path, config.ca_pem, config.ca_file
        ),
        take_pem(
            user->content, "client-certificate", user->path, config.client_certificate_pem,
            config.client_certificate_file
        ),
        take_pem(
            user->content, "client-key", user->path, config.client_key_pem, config.client_key_file
        ),
    };
    for (const Result<>& step : steps) {
        if (!step) return fail(step.error());
    }
    if (config.ca_pem.empty() && config.ca_file.empty()) {
        return missing(cluster->path, "certificate-authority is needed to prove the server");
    }
    const YAML::Node exec = user->content["exec"];
    if (exec.IsDefined() && !exec.IsNull()) {
        auto plugin = read_plugin(*user, cluster->content);
        if (!plugin) return fail(plugin.error());
        config.plugin = std::move(*plugin);
    }
    return config;
}

Result<YAML::Node> load(const File& file) {
    try {
        return YAML::Load(file.text);
    } catch (const YAML::Exception& error) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("{}:{}: {}", file.path, error.mark.line + 1, error.msg)
        );
    }
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

Result<Kubeconfig> parse(std::span<const File> files) {
    Documents documents;
    for (const File& file : files) {
        auto root = load(file);
        if (!root) return fail(root.error());
        documents.push_back({std::move(*root), file.path});
    }
    try {
        return parse_yaml(documents);
    } catch (const YAML::Exception& error) {
        return fail(
            ErrorCode::invalid_argument, fmt::format("{}: {}", paths_of(documents), error.msg)
        );
    }
}

Result<Kubeconfig> parse(const std::string& text, const std::string& path) {
    const File file{path, text};
    return parse(std::span(&file, 1));
}

}  // namespace farhold::kubeconfig
