// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/volume_plan.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::volumes {

namespace {

using podspec::ConfigMapSource;
using podspec::DownwardSource;
using podspec::KeyedData;
using podspec::MachineFacts;
using podspec::PodSpec;
using podspec::ProjectedSource;
using podspec::References;
using podspec::SecretSource;
using podspec::TokenSource;

constexpr std::uint32_t kFileMode = 0644;
constexpr std::uint32_t kSecretMode = 0600;

Result<void> add_file(
    Files& files, const std::string& path, std::string bytes, std::uint32_t mode
) {
    if (!is_safe_relative(path)) {
        return fail(ErrorCode::invalid_argument, fmt::format("invalid path \"{}\"", path));
    }
    files.insert_or_assign(path, FileContent{.bytes = std::move(bytes), .mode = mode});
    return {};
}

// A ConfigMap or Secret as files; `data` is null when it is optional and missing.
Result<void> add_keyed(
    Files& files, const ConfigMapSource& source, const KeyedData* data, std::string_view kind,
    std::uint32_t mode
) {
    if (data == nullptr) {
        return {};
    }
    if (source.items.empty()) {
        for (const auto& [key, bytes] : *data) {
            if (auto added = add_file(files, key, bytes, mode); !added) {
                return added;
            }
        }
        return {};
    }
    for (const auto& item : source.items) {
        const auto found = data->find(item.key);
        if (found == data->end()) {
            if (source.optional) {
                continue;
            }
            return fail(
                ErrorCode::not_found,
                fmt::format("{} references non-existent config key: {}", kind, item.key)
            );
        }
        if (auto added = add_file(files, item.path, found->second, item.mode.value_or(mode));
            !added) {
            return added;
        }
    }
    return {};
}

class FileCollector {
public:
    FileCollector(const PodSpec& pod, const References& references, const MachineFacts& facts)
        : pod_(pod), references_(references), facts_(facts) {}

    Result<void> add(const ConfigMapSource& source, std::optional<std::uint32_t> mode) {
        const auto data = references_.config_map(source.object, source.optional);
        if (!data) {
            return fail(data.error());
        }
        return add_keyed(
            files, source, *data, "configmap",
            source.default_mode.value_or(mode.value_or(kFileMode))
        );
    }

    Result<void> add(const SecretSource& source, std::optional<std::uint32_t> mode) {
        memory = true;
        const auto data = references_.secret(source.object, source.optional);
        if (!data) {
            return fail(data.error());
        }
        return add_keyed(
            files, source, *data, "secret", source.default_mode.value_or(mode.value_or(kSecretMode))
        );
    }

    Result<void> add(const DownwardSource& source, std::optional<std::uint32_t> mode) {
        const std::uint32_t fallback = source.default_mode.value_or(mode.value_or(kFileMode));
        for (const auto& item : source.items) {
            const auto* field = std::get_if<podspec::FieldRef>(&item.value);
            auto text =
                field != nullptr
                    ? podspec::resolve_field(pod_, *field, facts_)
                    : podspec::resolve_resource(
                          pod_, nullptr, std::get<podspec::ResourceFieldRef>(item.value), facts_
                      );
            if (!text) {
                return fail(text.error());
            }
            if (auto added =
                    add_file(files, item.path, std::move(*text), item.mode.value_or(fallback));
                !added) {
                return added;
            }
        }
        return {};
    }

    // As kubelet does: only for the one user that all containers run as, or for the pod's group.
    Result<void> add(const TokenSource& source, std::optional<std::uint32_t> mode) {
        memory = true;
        auto token = references_.token(source.terms);
        if (!token) {
            return fail(token.error().within("failed to fetch token"));
        }
        const auto owner = pod_.common_user();
        const bool is_private = owner || pod_.fs_group;
        auto added = add_file(
            files, source.path, std::move(*token),
            is_private ? kSecretMode : mode.value_or(kFileMode)
        );
        if (added) {
            files.at(source.path).owner = owner;
        }
        return added;
    }

    Result<void> add(const ProjectedSource& source) {
        for (const auto& part : source.sources) {
            auto added =
                std::visit([&](const auto& each) { return add(each, source.default_mode); }, part);
            if (!added) {
                return added;
            }
        }
        return {};
    }

    Files files;
    bool memory = false;

private:
    const PodSpec& pod_;
    const References& references_;
    const MachineFacts& facts_;
};

// Gives each kind of source its kubelet folder and its content.
struct Planner {
    FileCollector collector;
    PlannedVolume& planned;

    Result<void> operator()(const podspec::EmptyDirSource& source) {
        planned.plugin = "kubernetes.io~empty-dir";
        planned.content = PlannedEmptyDir{source.memory, source.size_limit_bytes};
        return {};
    }
    Result<void> operator()(const podspec::HostPathSource& source) {
        if (source.path.empty() || source.path.front() != '/') {
            return fail(ErrorCode::invalid_argument, "hostPath must be absolute");
        }
        planned.content = PlannedHostPath{source.path, source.type};
        return {};
    }
    Result<void> operator()(const ConfigMapSource& source) {
        return files("kubernetes.io~configmap", collector.add(source, std::nullopt));
    }
    Result<void> operator()(const SecretSource& source) {
        return files("kubernetes.io~secret", collector.add(source, std::nullopt));
    }
    Result<void> operator()(const DownwardSource& source) {
        return files("kubernetes.io~downward-api", collector.add(source, std::nullopt));
    }
    Result<void> operator()(const ProjectedSource& source) {
        return files("kubernetes.io~projected", collector.add(source));
    }

    Result<void> files(std::string plugin, Result<void> added) {
        planned.plugin = std::move(plugin);
        planned.content = PlannedFiles{std::move(collector.files), collector.memory};
        return added;
    }
};

}  // namespace

bool is_safe_relative(std::string_view path) {
    if (path.empty() || path.front() == '/' || path.starts_with("..") || path.contains('\0')) {
        return false;
    }
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view part = path.substr(0, slash);
        if (part == "..") {
            return false;
        }
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    }
    return true;
}

Result<VolumePlan> plan_volumes(
    const PodSpec& pod, const References& references, const MachineFacts& facts
) {
    VolumePlan plan{.pod_uid = pod.identity.uid, .fs_group = pod.fs_group, .volumes = {}};
    for (const podspec::Volume& volume : pod.volumes) {
        PlannedVolume planned{.name = volume.name, .plugin = "", .content = PlannedEmptyDir{}};
        Planner planner{.collector = {pod, references, facts}, .planned = planned};
        if (auto done = std::visit(planner, volume.source); !done) {
            return fail(Error(
                done.error().code(), fmt::format(
                                         "MountVolume.SetUp failed for volume \"{}\" : {}",
                                         volume.name, done.error().message()
                                     )
            ));
        }
        plan.volumes.push_back(std::move(planned));
    }
    return plan;
}

}  // namespace farhold::volumes
