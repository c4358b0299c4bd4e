// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/environment.hpp"

#include "common/object/quantity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

namespace farhold::podspec {

namespace {

// Go's %q, which kubelet uses for the values of labels and annotations in files.
std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char character : text) {
        switch (character) {
            case '"':
                result += "\\\"";
                break;
            case '\\':
                result += "\\\\";
                break;
            case '\n':
                result += "\\n";
                break;
            case '\r':
                result += "\\r";
                break;
            case '\t':
                result += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(character) < 0x20) {
                    result += fmt::format("\\x{:02x}", static_cast<unsigned>(character));
                } else {
                    result += character;
                }
        }
    }
    return result + '"';
}

std::string format_map(const std::map<std::string, std::string>& entries) {
    std::string result;
    for (const auto& [key, value] : entries) {
        result += fmt::format("{}={}\n", key, quoted(value));
    }
    return result;
}

// The key of metadata.labels['key'], or nothing.
std::optional<std::string_view> subscript(std::string_view path, std::string_view map) {
    if (!path.starts_with(map)) {
        return std::nullopt;
    }
    path.remove_prefix(map.size());
    if (!path.starts_with("['") || !path.ends_with("']") || path.size() < 4) {
        return std::nullopt;
    }
    return path.substr(2, path.size() - 4);
}

std::string value_or_empty(
    const std::map<std::string, std::string>& entries, std::string_view key
) {
    const auto found = entries.find(std::string(key));
    return found == entries.end() ? std::string() : found->second;
}

std::string first(const std::vector<std::string>& addresses) {
    return addresses.empty() ? std::string() : addresses.front();
}

std::int64_t ceil_divide(std::int64_t amount, std::int64_t divisor) {
    return divisor <= 0 ? amount : amount / divisor + (amount % divisor > 0 ? 1 : 0);
}

bool valid_name(std::string_view name) {
    return !name.empty() && !name.contains('=');
}

Result<void> add_env_from(
    const EnvFrom& source, const References& references, Environment& environment
) {
    const auto data = source.kind == EnvFrom::Kind::secret
                          ? references.secret(source.object, source.optional)
                          : references.config_map(source.object, source.optional);
    if (!data) {
        return fail(data.error());
    }
    if (*data != nullptr) {
        for (const auto& [key, value] : **data) {
            if (std::string name = source.prefix + key; valid_name(name)) {
                environment.insert_or_assign(std::move(name), value);
            }
        }
    }
    return {};
}

// Nothing: the variable stays undefined, as its optional source is not there.
Result<std::optional<std::string>> keyed_value(
    const KeySelector& selector, Result<const KeyedData*> data, std::string_view kind,
    const PodSpec& pod
) {
    if (!data) {
        return fail(data.error());
    }
    if (*data == nullptr) {
        return std::nullopt;
    }
    if (const auto found = (*data)->find(selector.key); found != (*data)->end()) {
        return found->second;
    }
    if (selector.optional) {
        return std::nullopt;
    }
    return fail(
        ErrorCode::not_found,
        fmt::format(
            "couldn't find key {} in {} {}/{}", selector.key, kind, pod.identity.ns, selector.object
        )
    );
}

struct ValueResolver {
    const PodSpec& pod;
    const ContainerSpec& container;
    const References& references;
    const MachineFacts& facts;
    const Environment& so_far;

    using Value = Result<std::optional<std::string>>;

    Value operator()(const std::string& text) const {
        auto value = expand(text, so_far);
        return value ? Value(std::move(*value)) : fail(value.error());
    }
    Value operator()(const ConfigMapKey& selector) const {
        return keyed_value(
            selector, references.config_map(selector.object, selector.optional), "ConfigMap", pod
        );
    }
    Value operator()(const SecretKey& selector) const {
        return keyed_value(
            selector, references.secret(selector.object, selector.optional), "Secret", pod
        );
    }
    Value operator()(const FieldRef& field) const {
        auto value = resolve_field(pod, field, facts);
        return value ? Value(std::move(*value)) : fail(value.error());
    }
    Value operator()(const ResourceFieldRef& reference) const {
        auto value = resolve_resource(pod, &container, reference, facts);
        return value ? Value(std::move(*value)) : fail(value.error());
    }
};

}  // namespace

Result<std::string> resolve_field(
    const PodSpec& pod, const FieldRef& field, const MachineFacts& facts
) {
    const std::string& path = field.path;
    const std::pair<std::string_view, const std::string*> plain[] = {
        {"metadata.name", &pod.identity.name},
        {"metadata.namespace", &pod.identity.ns},
        {"metadata.uid", &pod.identity.uid},
        {"spec.nodeName", &facts.node_name},
        {"spec.serviceAccountName", &pod.service_account},
    };
    for (const auto& [known, value] : plain) {
        if (path == known) {
            return *value;
        }
    }
    if (path == "metadata.labels") {
        return format_map(pod.labels);
    }
    if (path == "metadata.annotations") {
        return format_map(pod.annotations);
    }
    if (const auto key = subscript(path, "metadata.labels")) {
        return value_or_empty(pod.labels, *key);
    }
    if (const auto key = subscript(path, "metadata.annotations")) {
        return value_or_empty(pod.annotations, *key);
    }
    if (path == "status.hostIP") {
        return first(facts.host_ips);
    }
    if (path == "status.hostIPs") {
        return fmt::format("{}", fmt::join(facts.host_ips, ","));
    }
    if (path == "status.podIP") {
        return first(facts.pod_ips);
    }
    if (path == "status.podIPs") {
        return fmt::format("{}", fmt::join(facts.pod_ips, ","));
    }
    return fail(ErrorCode::invalid_argument, "unsupported fieldPath: " + path);
}

Result<std::string> resolve_resource(
    const PodSpec& pod, const ContainerSpec* own, const ResourceFieldRef& reference,
    const MachineFacts& facts
) {
    const ContainerSpec* container =
        reference.container.empty() ? own : pod.find_container(reference.container);
    if (container == nullptr) {
        return fail(ErrorCode::invalid_argument, "container " + reference.container + " not found");
    }
    std::int64_t divisor_value = 1;
    std::int64_t divisor_milli = 1000;
    if (!reference.divisor.empty() && reference.divisor != "0") {
        const auto divisor = object::Quantity::parse(reference.divisor);
        if (!divisor) {
            return fail(divisor.error().within("divisor"));
        }
        divisor_value = divisor->value();
        divisor_milli = divisor->milli_value();
    }
    const Resources& asked = container->resources;
    // Without a limit the machine is the limit.
    const struct {
        std::string_view name;
        std::int64_t amount;
        std::int64_t divisor;
    } known[] = {
        {"limits.cpu", asked.cpu_limit_milli.value_or(facts.allocatable_cpu_milli), divisor_milli},
        {"requests.cpu", asked.cpu_request_milli.value_or(0), divisor_milli},
        {"limits.memory", asked.memory_limit_bytes.value_or(facts.allocatable_memory_bytes),
         divisor_value},
        {"requests.memory", asked.memory_request_bytes.value_or(0), divisor_value},
        {"limits.ephemeral-storage",
         asked.storage_limit_bytes.value_or(facts.allocatable_storage_bytes), divisor_value},
        {"requests.ephemeral-storage", asked.storage_request_bytes.value_or(0), divisor_value},
    };
    for (const auto& entry : known) {
        if (reference.resource == entry.name) {
            return fmt::format("{}", ceil_divide(entry.amount, entry.divisor));
        }
    }
    return fail(
        ErrorCode::invalid_argument, "unsupported container resource : " + reference.resource
    );
}

Result<Environment> resolve_environment(
    const PodSpec& pod, const ContainerSpec& container, const References& references,
    const MachineFacts& facts
) {
    Environment environment = references.services;
    std::size_t bytes = 0;
    for (const EnvFrom& source : container.env_from) {
        if (auto added = add_env_from(source, references, environment); !added) {
            return fail(added.error());
        }
    }
    for (const EnvVar& variable : container.env) {
        auto value = std::visit(
            ValueResolver{
                .pod = pod,
                .container = container,
                .references = references,
                .facts = facts,
                .so_far = environment,
            },
            variable.value
        );
        if (!value) {
            return fail(value.error());
        }
        bytes += *value ? (*value)->size() : 0;
        if (bytes > kWordsBytesMax) {
            return fail(
                ErrorCode::invalid_argument,
                fmt::format("an environment of more than {} bytes", kWordsBytesMax)
            );
        }
        if (*value) {
            environment.insert_or_assign(variable.name, std::move(**value));
        }
    }
    return environment;
}

Result<std::vector<std::string>> expand_all(
    const std::vector<std::string>& words, const Environment& environment
) {
    std::vector<std::string> result;
    result.reserve(words.size());
    std::size_t bytes = 0;
    for (const std::string& word : words) {
        auto expanded = expand(word, environment);
        if (!expanded) {
            return fail(expanded.error());
        }
        bytes += expanded->size();
        if (bytes > kWordsBytesMax) {
            return fail(
                ErrorCode::invalid_argument,
                fmt::format("a command line of more than {} bytes", kWordsBytesMax)
            );
        }
        result.push_back(std::move(*expanded));
    }
    return result;
}

Result<std::string> expand(std::string_view text, const Environment& environment) {
    const auto too_long = [] {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("a text with references of more than {} bytes", kExpandedBytesMax)
        );
    };
    std::string result;
    std::size_t position = 0;
    while (position < text.size()) {
        const std::size_t dollar = text.find('$', position);
        if (dollar == std::string_view::npos || dollar + 1 == text.size()) {
            break;
        }
        result += text.substr(position, dollar - position);
        const char next = text[dollar + 1];
        const std::size_t close = next == '(' ? text.find(')', dollar) : std::string_view::npos;
        if (close != std::string_view::npos) {
            const std::string_view name = text.substr(dollar + 2, close - dollar - 2);
            const auto found = environment.find(name);
            result += found != environment.end() ? std::string_view(found->second)
                                                 : text.substr(dollar, close + 1 - dollar);
            position = close + 1;
        } else {
            result += next == '$' ? "$" : text.substr(dollar, 2);
            position = dollar + 2;
        }
        if (result.size() > kExpandedBytesMax) {
            return too_long();
        }
    }
    result += text.substr(std::min(position, text.size()));
    if (result.size() > kExpandedBytesMax) {
        return too_long();
    }
    return result;
}

}  // namespace farhold::podspec
