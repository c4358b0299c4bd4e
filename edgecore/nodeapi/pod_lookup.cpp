// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/pod_lookup.hpp"

#include <fmt/format.h>

namespace farhold::nodeapi {

namespace {

using json::Value;

const Value* find_named(const Value& pod, json::Path list, std::string_view name) {
    for (const Value& each : pod.elements_at(list)) {
        if (each.text_at({"name"}) == name) {
            return &each;
        }
    }
    return nullptr;
}

std::string_view pod_name(const Value& pod) {
    return pod.text_at({"metadata", "name"});
}

std::string waiting_words(const Value& pod, std::string_view container, std::string_view reason) {
    if (reason == "ErrImagePull") {
        reason = "image can't be pulled";
    } else if (reason == "ImagePullBackOff") {
        reason = "trying and failing to pull image";
    }
    return fmt::format(
        "container \"{}\" in pod \"{}\" is waiting to start: {}", container, pod_name(pod), reason
    );
}

}  // namespace

const Value* find_container_spec(const Value& pod, std::string_view name) {
    for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
        if (const Value* found = find_named(pod, {"spec", list}, name)) {
            return found;
        }
    }
    return nullptr;
}

const Value* find_container_status(const Value& pod, std::string_view name) {
    for (const char* list :
         {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"}) {
        if (const Value* found = find_named(pod, {"status", list}, name)) {
            return found;
        }
    }
    return nullptr;
}

Result<Instance> choose_log(const Value& pod, std::string_view container, bool previous) {
    const Value* status = find_container_status(pod, container);
    if (status == nullptr) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("container \"{}\" in pod \"{}\" is not available", container, pod_name(pod))
        );
    }
    const std::string_view current = status->text_at({"containerID"});
    const std::string_view ended = status->text_at({"state", "terminated", "containerID"});
    const std::string_view before = status->text_at({"lastState", "terminated", "containerID"});
    const auto attempt = static_cast<std::uint32_t>(status->integer_at({"restartCount"}));
    const auto instance = [&](std::string_view id) {
        // The newest run has the newest number, and no more than the one before it is remembered.
        return Instance{
            .attempt = id == current || attempt == 0 ? attempt : attempt - 1,
            .id = std::string(id),
        };
    };
    if (previous) {
        if (!before.empty()) {
            return instance(before);
        }
        return fail(
            ErrorCode::invalid_argument,
            fmt::format(
                "previous terminated container \"{}\" in pod \"{}\" not found", container,
                pod_name(pod)
            )
        );
    }
    if (status->at_path({"state", "running"}) != nullptr) {
        return instance(current);
    }
    if (!ended.empty() || !before.empty()) {
        return instance(ended.empty() ? before : ended);
    }
    if (const Value* waiting = status->at_path({"state", "waiting"})) {
        return fail(
            ErrorCode::invalid_argument, waiting_words(pod, container, waiting->text_at({"reason"}))
        );
    }
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("container \"{}\" in pod \"{}\" is terminated", container, pod_name(pod))
    );
}

bool is_running(const Value& pod, std::string_view container, const Instance& instance) {
    const Value* status = find_container_status(pod, container);
    return status != nullptr && status->text_at({"containerID"}) == instance.id &&
           status->at_path({"state", "running"}) != nullptr;
}

}  // namespace farhold::nodeapi
