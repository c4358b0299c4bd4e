// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/references.hpp"

#include "common/base/encoding.hpp"
#include "common/json/value.hpp"

#include <fmt/format.h>

namespace farhold::podspec {

namespace {

Result<const KeyedData*> find_in(
    const std::map<std::string, std::shared_ptr<const KeyedData>, std::less<>>& objects,
    std::string_view kind, std::string_view name, bool may_miss
) {
    if (const auto found = objects.find(name); found != objects.end()) {
        return found->second.get();
    }
    if (may_miss) {
        return nullptr;
    }
    return fail(ErrorCode::not_found, fmt::format("{} \"{}\" not found", kind, name));
}

void add_volume(const Volume& volume, ReferencedNames& names) {
    if (const auto* map = std::get_if<ConfigMapSource>(&volume.source)) {
        names.config_maps.insert(map->object);
    } else if (const auto* secret = std::get_if<SecretSource>(&volume.source)) {
        names.secrets.insert(secret->object);
    } else if (const auto* projected = std::get_if<ProjectedSource>(&volume.source)) {
        for (const auto& part : projected->sources) {
            if (const auto* own_map = std::get_if<ConfigMapSource>(&part)) {
                names.config_maps.insert(own_map->object);
            } else if (const auto* own_secret = std::get_if<SecretSource>(&part)) {
                names.secrets.insert(own_secret->object);
            } else if (const auto* token = std::get_if<TokenSource>(&part)) {
                names.tokens.insert(token->terms);
            }
        }
    }
}

void add_container(const ContainerSpec& container, ReferencedNames& names) {
    for (const EnvFrom& source : container.env_from) {
        (source.kind == EnvFrom::Kind::secret ? names.secrets : names.config_maps)
            .insert(source.object);
    }
    for (const EnvVar& variable : container.env) {
        if (const auto* map = std::get_if<ConfigMapKey>(&variable.value)) {
            names.config_maps.insert(map->object);
        } else if (const auto* secret = std::get_if<SecretKey>(&variable.value)) {
            names.secrets.insert(secret->object);
        }
    }
}

Result<void> add_texts(const json::Value* data, bool encoded, KeyedData& result) {
    if (data == nullptr || !data->is_object()) {
        return {};
    }
    for (const auto& [key, value] : data->object()) {
        const std::string_view text = value.string().value_or("");
        if (!encoded) {
            result.insert_or_assign(key, std::string(text));
            continue;
        }
        auto bytes = base64_decode(text);
        if (!bytes) {
            return fail(bytes.error().within("key " + key));
        }
        result.insert_or_assign(key, std::move(*bytes));
    }
    return {};
}

}  // namespace

Result<const KeyedData*> References::config_map(std::string_view name, bool optional) const {
    return find_in(config_maps, "configmap", name, optional && complete);
}

Result<const KeyedData*> References::secret(std::string_view name, bool optional) const {
    return find_in(secrets, "secret", name, optional && complete);
}

Result<std::string> References::token(const TokenTerms& terms) const {
    const auto found = tokens.find(terms);
    if (found == tokens.end()) {
        return fail(ErrorCode::not_found, "there is none yet");
    }
    return found->second;
}

ReferencedNames referenced_names(const PodSpec& pod) {
    ReferencedNames names;
    for (const Volume& volume : pod.volumes) {
        add_volume(volume, names);
    }
    for (const auto* list : {&pod.init_containers, &pod.containers}) {
        for (const ContainerSpec& container : *list) {
            add_container(container, names);
        }
    }
    return names;
}

Result<KeyedData> parse_keyed_data(std::string_view content, bool secret) {
    const auto object = json::Value::parse(content);
    if (!object) {
        return fail(object.error());
    }
    KeyedData result;
    if (auto added = add_texts(object->find("data"), secret, result); !added) {
        return fail(added.error());
    }
    if (auto added = add_texts(object->find("binaryData"), true, result); !added) {
        return fail(added.error());
    }
    return result;
}

}  // namespace farhold::podspec
