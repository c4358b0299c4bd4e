// SPDX-License-Identifier: Apache-2.0
//
// ConfigMap and Secret: maps of keys to contents, limited in size, immutable on request.
#include "common/base/encoding.hpp"
#include "common/kubeschema/kinds.hpp"
#include "common/object/metadata.hpp"
#include "common/object/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;
constexpr std::string_view kDefaultSecretType = "Opaque";

const json::Object& members_at(const Value& object, std::string_view field) {
    static const json::Object empty;
    const Value* map = object.find(field);
    return map != nullptr && map->is_object() ? map->object() : empty;
}

void validate_keys(const Value& object, std::string_view field, FieldErrors& errors) {
    for (const json::Member& member : members_at(object, field)) {
        if (const auto complaint = object::check_config_key(member.key)) {
            errors.push_back(
                invalid(fmt::format("{}[{}]", field, member.key), member.key, *complaint)
            );
        }
    }
}

std::size_t decoded_size(std::string_view base64) {
    const auto padding = static_cast<std::size_t>(std::ranges::count(base64, '='));
    return base64.size() / 4 * 3 - padding;
}

std::size_t total_size(const Value& object, std::string_view field, bool base64) {
    std::size_t bytes = 0;
    for (const json::Member& member : members_at(object, field)) {
        const std::string_view text = member.value.string().value_or("");
        bytes += base64 ? decoded_size(text) : text.size();
    }
    return bytes;
}

// What may not change once `immutable` is true, nor that itself.
void validate_immutable(
    const Value& updated, const Value& current, std::initializer_list<std::string_view> fields,
    FieldErrors& errors
) {
    constexpr std::string_view kSentence = "field is immutable when `immutable` is set";
    if (!current.bool_at({"immutable"})) {
        return;
    }
    if (!updated.bool_at({"immutable"})) {
        errors.push_back(forbidden("immutable", kSentence));
    }
    for (const std::string_view field : fields) {
        const Value* after = updated.find(field);
        const Value* before = current.find(field);
        const bool same =
            after != nullptr && before != nullptr ? *after == *before : after == before;
        if (!same) {
            errors.push_back(forbidden(std::string(field), kSentence));
        }
    }
}

void validate_config_map(const Value& object, FieldErrors& errors) {
    validate_keys(object, "data", errors);
    validate_keys(object, "binaryData", errors);
    const Value* binary = object.find("binaryData");
    for (const json::Member& member : members_at(object, "data")) {
        if (binary != nullptr && binary->find(member.key) != nullptr) {
            errors.push_back(invalid(
                fmt::format("data[{}]", member.key), member.key,
                "duplicate of key present in binaryData"
            ));
        }
    }
    if (total_size(object, "data", false) + total_size(object, "binaryData", true) > kMaxBytes) {
        errors.push_back(too_long("[]", kMaxBytes));
    }
}

void validate_config_map_update(
    const Value& updated, const Value& current, Part /*part*/, FieldErrors& errors
) {
    validate_immutable(updated, current, {"data", "binaryData"}, errors);
}

Cells config_map_cells(const Value& object, WallTime now) {
    return {
        text_cell(object, {"metadata", "name"}),
        Value::of(members_at(object, "data").size() + members_at(object, "binaryData").size()),
        age_cell(object, now),
    };
}

// stringData is for writing only: it goes into data, and wins.
void default_secret(Value& object) {
    if (const Value* texts = object.find("stringData"); texts != nullptr && texts->is_object()) {
        const Value folded = *texts;
        for (const json::Member& member : folded.object()) {
            object.ensure_path({"data"}).set(
                member.key, Value::of(base64_encode(member.value.string().value_or("")))
            );
        }
        object.erase("stringData");
    }
    set_default(object, "type", Value::of(kDefaultSecretType));
}

struct RequiredKey {
    std::string_view type;
    std::string_view key;
};

constexpr std::array kRequiredKeys = {
    RequiredKey{"kubernetes.io/dockercfg", ".dockercfg"},
    RequiredKey{"kubernetes.io/dockerconfigjson", ".dockerconfigjson"},
    RequiredKey{"kubernetes.io/ssh-auth", "ssh-privatekey"},
    RequiredKey{"kubernetes.io/tls", "tls.crt"},
    RequiredKey{"kubernetes.io/tls", "tls.key"},
};

// Credentials of registries are JSON; what is in them is told to nobody.
void validate_registries(const Value& object, std::string_view key, FieldErrors& errors) {
    const auto text = base64_decode(object.text_at({"data", key}));
    if (!text || text->empty()) {
        return;
    }
    if (const auto parsed = json::Value::parse(*text); !parsed) {
        errors.push_back(invalid(
            fmt::format("data[{}]", key), "<secret contents redacted>", parsed.error().message()
        ));
    }
}

void validate_secret_type(const Value& object, FieldErrors& errors) {
    if (object.text_at({"type"}) == "kubernetes.io/dockerconfigjson") {
        validate_registries(object, ".dockerconfigjson", errors);
    } else if (object.text_at({"type"}) == "kubernetes.io/dockercfg") {
        validate_registries(object, ".dockercfg", errors);
    }
    const std::string_view type = object.text_at({"type"});
    for (const RequiredKey& rule : kRequiredKeys) {
        if (type == rule.type && object.at_path({"data", rule.key}) == nullptr) {
            errors.push_back(required(fmt::format("data[{}]", rule.key)));
        }
    }
    if (type == "kubernetes.io/basic-auth" && object.at_path({"data", "username"}) == nullptr &&
        object.at_path({"data", "password"}) == nullptr) {
        errors.push_back(required("data[username]"));
        errors.push_back(required("data[password]"));
    }
    constexpr std::string_view kAccount = "kubernetes.io/service-account.name";
    if (type == "kubernetes.io/service-account-token" &&
        object::annotation(object, kAccount).value_or("").empty()) {
        errors.push_back(required(fmt::format("metadata.annotations[{}]", kAccount)));
    }
}

void validate_secret(const Value& object, FieldErrors& errors) {
    validate_keys(object, "data", errors);
    if (total_size(object, "data", true) > kMaxBytes) {
        errors.push_back(too_long("data", kMaxBytes));
    }
    validate_secret_type(object, errors);
}

void validate_secret_update(
    const Value& updated, const Value& current, Part /*part*/, FieldErrors& errors
) {
    const std::string_view type = updated.text_at({"type"});
    if (type != current.text_at({"type"})) {
        errors.push_back(invalid("type", type, "field is immutable"));
    }
    validate_immutable(updated, current, {"data"}, errors);
}

Cells secret_cells(const Value& object, WallTime now) {
    return {
        text_cell(object, {"metadata", "name"}),
        text_cell(object, {"type"}),
        Value::of(members_at(object, "data").size()),
        age_cell(object, now),
    };
}

}  // namespace

ResourceType make_config_map_type() {
    ResourceType type = make_type("ConfigMap", "configmaps", "configmap");
    type.short_names = {"cm"};
    type.columns = {name_column(), column("Data", "Number of keys."), age_column()};
    type.cells = config_map_cells;
    type.validate = validate_config_map;
    type.validate_update = validate_config_map_update;
    return type;
}

ResourceType make_secret_type() {
    ResourceType type = make_type("Secret", "secrets", "secret");
    type.selectable_fields = {"type"};
    type.columns = {
        name_column(),
        column("Type", "Used to facilitate programmatic handling of secret data."),
        column("Data", "Number of keys."),
        age_column(),
    };
    type.cells = secret_cells;
    type.apply_defaults = default_secret;
    type.validate = validate_secret;
    type.validate_update = validate_secret_update;
    return type;
}

}  // namespace farhold::kubeschema
