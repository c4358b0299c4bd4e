// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr int kMaxFileMode = 0777;

bool leaves_its_folder(std::string_view path) {
    return std::ranges::any_of(std::views::split(path, '/'), [](const auto& part) {
        return std::ranges::equal(part, std::string_view(".."));
    });
}

void check_mode(
    const Value& holder, std::string_view name, const std::string& field, FieldErrors& errors
) {
    const Value* mode = holder.find(name);
    const std::int64_t bits = mode != nullptr ? mode->integer().value_or(0) : 0;
    if (bits < 0 || bits > kMaxFileMode) {
        errors.push_back(invalid(
            fmt::format("{}.{}", field, name), *mode,
            "must be a number between 0 and 0777 (octal), both inclusive"
        ));
    }
}

// A path of a file within the volume.
void check_inner_path(std::string_view path, const std::string& field, FieldErrors& errors) {
    if (path.empty()) {
        errors.push_back(required(field));
    } else if (path.starts_with('/')) {
        errors.push_back(invalid(field, path, "must be a relative path"));
    } else if (leaves_its_folder(path)) {
        errors.push_back(invalid(field, path, "must not contain '..'"));
    } else if (path.starts_with("..")) {
        errors.push_back(invalid(field, path, "must not start with '..'"));
    }
}

void check_items(const Value& source, const std::string& field, FieldErrors& errors) {
    const auto& items = list_at(source, {"items"});
    for (std::size_t i = 0; i < items.size(); ++i) {
        const std::string item = fmt::format("{}.items[{}]", field, i);
        if (items[i].text_at({"key"}).empty()) {
            errors.push_back(required(item + ".key"));
        }
        check_inner_path(items[i].text_at({"path"}), item + ".path", errors);
        check_mode(items[i], "mode", item, errors);
    }
}

void check_files(
    const Value& source, std::string_view name_field, const std::string& field, FieldErrors& errors
) {
    if (source.text_at({name_field}).empty()) {
        errors.push_back(required(fmt::format("{}.{}", field, name_field)));
    }
    check_mode(source, "defaultMode", field, errors);
    check_items(source, field, errors);
}

void check_host_path(const Value& source, const std::string& field, FieldErrors& errors) {
    const std::string_view path = source.text_at({"path"});
    if (path.empty()) {
        errors.push_back(required(field + ".path"));
    } else if (leaves_its_folder(path)) {
        errors.push_back(invalid(field + ".path", path, "must not contain '..'"));
    }
    check_choice(
        source.text_at({"type"}),
        {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate",
         "Socket"},
        field + ".type", errors
    );
}

void check_token(const Value& token, const std::string& field, FieldErrors& errors) {
    constexpr std::int64_t kMinSeconds = 600;
    constexpr std::int64_t kMaxSeconds = std::int64_t{1} << 32;
    const std::string path = field + ".expirationSeconds";
    if (const Value* life = token.find("expirationSeconds")) {
        if (life->integer() < kMinSeconds) {
            errors.push_back(invalid(path, *life, "may not specify a duration less than 10 minutes")
            );
        } else if (life->integer() > kMaxSeconds) {
            errors.push_back(
                invalid(path, *life, "may not specify a duration larger than 2^32 seconds")
            );
        }
    }
    if (token.text_at({"path"}).empty()) {
        errors.push_back(required(field + ".path"));
    }
}

void check_pod_fields(const Value& source, const std::string& field, FieldErrors& errors) {
    for (const Value& item : list_at(source, {"items"})) {
        if (const Value* reference = item.find("fieldRef")) {
            check_field_path(
                reference->text_at({"fieldPath"}),
                {"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace",
                 "metadata.uid"},
                field + ".fieldRef.fieldPath", errors
            );
        }
    }
}

void check_projection(const Value& projected, const std::string& field, FieldErrors& errors) {
    const auto& sources = list_at(projected, {"sources"});
    for (std::size_t i = 0; i < sources.size(); ++i) {
        if (const Value* token = sources[i].find("serviceAccountToken")) {
            check_token(
                *token, fmt::format("{}.sources[{}].serviceAccountToken", field, i), errors
            );
        }
    }
}

void check_source(const json::Member& source, const std::string& volume, FieldErrors& errors) {
    const std::string field = fmt::format("{}.{}", volume, source.key);
    if (source.key == "secret") {
        check_files(source.value, "secretName", field, errors);
    } else if (source.key == "configMap") {
        check_files(source.value, "name", field, errors);
    } else if (source.key == "hostPath") {
        check_host_path(source.value, field, errors);
    } else if (source.key == "persistentVolumeClaim" &&
               source.value.text_at({"claimName"}).empty()) {
        errors.push_back(required(field + ".claimName"));
    } else if (source.key == "emptyDir" && source.value.text_at({"sizeLimit"}).starts_with('-')) {
        errors.push_back(
            forbidden(field + ".sizeLimit", "SizeLimit field must be a valid resource quantity")
        );
    } else if (source.key == "downwardAPI") {
        check_pod_fields(source.value, field, errors);
    } else if (source.key == "projected") {
        check_projection(source.value, field, errors);
    }
}

}  // namespace

void check_field_path(
    std::string_view path, std::initializer_list<std::string_view> allowed,
    const std::string& field, FieldErrors& errors
) {
    static constexpr auto kKnown = std::to_array<std::string_view>({
        "metadata.annotations",
        "metadata.labels",
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.hostNetwork",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.phase",
        "status.podIP",
        "status.podIPs",
    });
    const std::string_view whole = path.substr(0, path.find("['"));
    if (path.empty()) {
        errors.push_back(required(field));
    } else if (std::ranges::find(kKnown, whole) == kKnown.end()) {
        errors.push_back(invalid(
            field, path,
            fmt::format("error converting fieldPath: field label not supported: {}", path)
        ));
    } else {
        check_choice(whole, allowed, field, errors);
    }
}

std::set<std::string> validate_volumes(const json::Value& pod, FieldErrors& errors) {
    std::set<std::string> names;
    const auto& volumes = list_at(pod, {"spec", "volumes"});
    for (std::size_t i = 0; i < volumes.size(); ++i) {
        const std::string field = fmt::format("spec.volumes[{}]", i);
        const std::string_view name = volumes[i].text_at({"name"});
        const std::size_t before = errors.size();
        if (name.empty()) {
            errors.push_back(required(field + ".name"));
        } else if (const auto complaint = object::check_dns1123_label(name)) {
            errors.push_back(invalid(field + ".name", name, *complaint));
        } else if (names.contains(std::string(name))) {
            errors.push_back(duplicate(field + ".name", name));
        }
        bool first = true;
        for (const json::Member& source : volumes[i].object()) {
            if (source.key == "name") {
                continue;
            }
            if (first) {
                check_source(source, field, errors);
            } else {
                errors.push_back(forbidden(
                    fmt::format("{}.{}", field, source.key),
                    "may not specify more than 1 volume type"
                ));
            }
            first = false;
        }
        // One that is wrong is none for the mounts.
        if (errors.size() == before) {
            names.emplace(name);
        }
    }
    return names;
}

}  // namespace farhold::kubeschema
