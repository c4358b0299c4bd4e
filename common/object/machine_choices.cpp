// SPDX-License-Identifier: Apache-2.0
#include "common/object/machine_choices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farhold::object {
namespace {

constexpr std::array<std::string_view, 3> kReservedDomains = {
    "kubernetes.io", "k8s.io", "farhold.io"
};
constexpr std::array<std::string_view, 2> kOpenDomains = {
    "kubelet.kubernetes.io", "node.kubernetes.io"
};
constexpr std::array<std::string_view, 5> kOpenKeys = {
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "beta.kubernetes.io/instance-type",
};
constexpr std::array<std::string_view, 3> kEffects = {
    "NoSchedule", "PreferNoSchedule", "NoExecute"
};

bool is_within(std::string_view prefix, std::string_view domain) {
    return prefix == domain || prefix.ends_with(fmt::format(".{}", domain));
}

bool is_open(std::string_view key, std::string_view prefix) {
    const auto holds_prefix = [prefix](std::string_view domain) {
        return is_within(prefix, domain);
    };
    return std::ranges::none_of(kReservedDomains, holds_prefix) ||
           std::ranges::any_of(kOpenDomains, holds_prefix) ||
           std::ranges::find(kOpenKeys, key) != kOpenKeys.end();
}

}  // namespace

Complaint check_machine_label(std::string_view key, std::string_view value) {
    if (auto complaint = check_qualified_name(key)) {
        return complaint;
    }
    if (auto complaint = check_label_value(value)) {
        return complaint;
    }
    const auto slash = key.find('/');
    if (slash == std::string_view::npos || is_open(key, key.substr(0, slash))) {
        return std::nullopt;
    }
    return fmt::format(
        "machines may not set it: of what belongs to Kubernetes they choose {} and what begins "
        "with {}/",
        fmt::join(kOpenKeys, ", "), fmt::join(kOpenDomains, "/ or ")
    );
}

Complaint check_taint(const Taint& taint) {
    if (auto complaint = check_qualified_name(taint.key)) {
        return complaint;
    }
    if (auto complaint = check_label_value(taint.value)) {
        return complaint;
    }
    if (std::ranges::find(kEffects, taint.effect) == kEffects.end()) {
        return fmt::format("effect \"{}\" is none of {}", taint.effect, fmt::join(kEffects, ", "));
    }
    return std::nullopt;
}

Result<Taint> parse_taint(std::string_view text) {
    const auto colon = text.rfind(':');
    Complaint complaint = "not KEY=VALUE:EFFECT or KEY:EFFECT";
    if (colon != std::string_view::npos) {
        const std::string_view pair = text.substr(0, colon);
        const auto equals = pair.find('=');
        Taint taint;
        taint.key = pair.substr(0, equals);
        taint.value = equals == std::string_view::npos ? "" : pair.substr(equals + 1);
        taint.effect = text.substr(colon + 1);
        complaint = check_taint(taint);
        if (!complaint) {
            return taint;
        }
    }
    return fail(ErrorCode::invalid_argument, fmt::format("taint \"{}\": {}", text, *complaint));
}

}  // namespace farhold::object
