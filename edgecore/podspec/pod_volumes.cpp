// SPDX-License-Identifier: Apache-2.0
#include "common/object/quantity.hpp"
#include "edgecore/podspec/pod_parsing.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::podspec {

namespace {

std::optional<std::uint32_t> mode_at(const json::Value& object, std::string_view key) {
    const json::Value* found = object.find(key);
    const auto mode = found != nullptr ? found->integer() : std::nullopt;
    return mode && *mode >= 0 && *mode <= 07777 ? std::optional(static_cast<std::uint32_t>(*mode))
                                                : std::nullopt;
}

ConfigMapSource parse_keyed(const json::Value& source, std::string_view name_key) {
    ConfigMapSource result;
    result.object = text_of(source, name_key);
    result.default_mode = mode_at(source, "defaultMode");
    result.optional = source.bool_at({"optional"});
    for (const json::Value& item : list_at(source, "items")) {
        result.items.push_back({
            .key = text_of(item, "key"),
            .path = text_of(item, "path"),
            .mode = mode_at(item, "mode"),
        });
    }
    return result;
}

DownwardSource parse_downward(const json::Value& source) {
    DownwardSource result;
    result.default_mode = mode_at(source, "defaultMode");
    for (const json::Value& item : list_at(source, "items")) {
        DownwardFile file{
            .path = text_of(item, "path"), .value = FieldRef{}, .mode = mode_at(item, "mode")
        };
        if (const json::Value* field = item.find("fieldRef"); field != nullptr) {
            file.value = parse_field_ref(*field);
        } else if (const json::Value* amount = item.find("resourceFieldRef"); amount != nullptr) {
            file.value = parse_resource_ref(*amount);
        }
        result.items.push_back(std::move(file));
    }
    return result;
}

Result<ProjectedSource> parse_projected(const json::Value& source) {
    ProjectedSource result;
    result.default_mode = mode_at(source, "defaultMode");
    for (const json::Value& part : list_at(source, "sources")) {
        if (const json::Value* map = part.find("configMap"); map != nullptr) {
            result.sources.emplace_back(parse_keyed(*map, "name"));
        } else if (const json::Value* secret = part.find("secret"); secret != nullptr) {
            result.sources.emplace_back(SecretSource(parse_keyed(*secret, "name")));
        } else if (const json::Value* downward = part.find("downwardAPI"); downward != nullptr) {
            result.sources.emplace_back(parse_downward(*downward));
        } else if (const json::Value* token = part.find("serviceAccountToken"); token != nullptr) {
            result.sources.emplace_back(TokenSource{
                .terms =
                    {
                        .audience = text_of(*token, "audience"),
                        .expiration_seconds = token->integer_at({"expirationSeconds"}, 3600),
                    },
                .path = text_of(*token, "path"),
            });
        } else {
            return fail(ErrorCode::unsupported, "a projected source of this kind");
        }
    }
    return result;
}

Result<EmptyDirSource> parse_empty_dir(const json::Value& source) {
    EmptyDirSource result;
    const std::string_view medium = source.text_at({"medium"});
    if (!medium.empty() && medium != "Memory") {
        return fail(ErrorCode::unsupported, fmt::format("emptyDir medium {}", medium));
    }
    result.memory = medium == "Memory";
    if (const std::string_view limit = source.text_at({"sizeLimit"}); !limit.empty()) {
        const auto quantity = object::Quantity::parse(limit);
        if (!quantity) {
            return fail(quantity.error().within("sizeLimit"));
        }
        if (quantity->value() > 0) {
            result.size_limit_bytes = quantity->value();
        }
    }
    return result;
}

Result<decltype(Volume::source)> parse_source(const json::Value& volume) {
    if (const json::Value* source = volume.find("emptyDir"); source != nullptr) {
        return parse_empty_dir(*source);
    }
    if (const json::Value* source = volume.find("hostPath"); source != nullptr) {
        return HostPathSource{.path = text_of(*source, "path"), .type = text_of(*source, "type")};
    }
    if (const json::Value* source = volume.find("configMap"); source != nullptr) {
        return parse_keyed(*source, "name");
    }
    if (const json::Value* source = volume.find("secret"); source != nullptr) {
        return SecretSource(parse_keyed(*source, "secretName"));
    }
    if (const json::Value* source = volume.find("downwardAPI"); source != nullptr) {
        return parse_downward(*source);
    }
    if (const json::Value* source = volume.find("projected"); source != nullptr) {
        return parse_projected(*source);
    }
    std::string kind = "of no known kind";
    for (const auto& [key, value] : volume.object()) {
        if (key != "name") {
            kind = "of kind " + key;
        }
    }
    return fail(ErrorCode::unsupported, kind);
}

}  // namespace

FieldRef parse_field_ref(const json::Value& reference) {
    return {.path = text_of(reference, "fieldPath")};
}

ResourceFieldRef parse_resource_ref(const json::Value& reference) {
    const json::Value* divisor = reference.find("divisor");
    return {
        .container = text_of(reference, "containerName"),
        .resource = text_of(reference, "resource"),
        .divisor = divisor != nullptr && divisor->is_number() ? divisor->number_text()
                                                              : text_of(reference, "divisor"),
    };
}

Result<std::vector<Volume>> parse_volumes(const json::Value& pod_spec, Unsupported& unsupported) {
    std::vector<Volume> volumes;
    for (const json::Value& volume : list_at(pod_spec, "volumes")) {
        const std::string name = text_of(volume, "name");
        if (!volume.is_object() || name.empty()) {
            return fail(ErrorCode::invalid_argument, "a volume has no name");
        }
        auto source = parse_source(volume);
        if (source) {
            volumes.push_back({.name = name, .source = std::move(*source)});
        } else if (source.error().code() == ErrorCode::unsupported) {
            unsupported.push_back(fmt::format("volume \"{}\" is {}", name, source.error().message())
            );
        } else {
            return fail(source.error().within("volume " + name));
        }
    }
    return volumes;
}

}  // namespace farhold::podspec
