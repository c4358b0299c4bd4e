// SPDX-License-Identifier: Apache-2.0
//
// What of a pod may change after its creation: images, a few numbers, added tolerations; and what
// its status may not say.
#include "common/kubeschema/pod_rules.hpp"
#include "common/object/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farhold::kubeschema {
namespace {

using json::Value;

constexpr std::string_view kSpecSentence =
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it "
    "was previously negative)";

// The spec without what may change.
Value fixed_part(const Value& pod) {
    Value spec = *pod.find("spec");
    spec.erase("activeDeadlineSeconds");
    spec.erase("tolerations");
    spec.erase("schedulingGates");
    for (const std::string_view list : {"containers", "initContainers"}) {
        if (Value* containers = spec.find(list)) {
            for (Value& container : containers->array()) {
                container.erase("image");
            }
        }
    }
    return spec;
}

bool same_count(const Value& updated, const Value& current, std::string_view list) {
    return list_at(updated, {"spec", list}).size() == list_at(current, {"spec", list}).size();
}

Value without_seconds(Value toleration) {
    toleration.erase("tolerationSeconds");
    return toleration;
}

void check_tolerations(const Value& updated, const Value& current, FieldErrors& errors) {
    const auto& after = list_at(updated, {"spec", "tolerations"});
    for (const Value& before : list_at(current, {"spec", "tolerations"})) {
        const Value wanted = without_seconds(before);
        if (std::ranges::none_of(after, [&](const Value& toleration) {
                return without_seconds(toleration) == wanted;
            })) {
            errors.push_back(forbidden(
                "spec.tolerations",
                "existing toleration can not be modified except its tolerationSeconds"
            ));
            return;
        }
    }
}

// A deadline may be set and brought nearer.
void check_deadline(const Value& updated, const Value& current, FieldErrors& errors) {
    const Value* before = current.at_path({"spec", "activeDeadlineSeconds"});
    const Value* after = updated.at_path({"spec", "activeDeadlineSeconds"});
    if (before == nullptr) {
        return;
    }
    constexpr std::string_view kField = "spec.activeDeadlineSeconds";
    if (after == nullptr) {
        errors.push_back(invalid(
            std::string(kField), Value(), "must not update from a positive integer to nil value"
        ));
    } else if (after->integer() > before->integer()) {
        errors.push_back(
            invalid(std::string(kField), *after, "must be less than or equal to previous value")
        );
    }
}

void check_gates(const Value& updated, const Value& current, FieldErrors& errors) {
    const auto& before = list_at(current, {"spec", "schedulingGates"});
    for (const Value& gate : list_at(updated, {"spec", "schedulingGates"})) {
        if (std::ranges::find(before, gate) == before.end()) {
            errors.push_back(forbidden(
                "spec.schedulingGates",
                fmt::format(
                    "only deletion is allowed, but found new scheduling gate '{}'",
                    gate.text_at({"name"})
                )
            ));
        }
    }
}

void validate_spec_update(const Value& updated, const Value& current, FieldErrors& errors) {
    bool same_containers = true;
    for (const std::string_view list : {"containers", "initContainers"}) {
        if (!same_count(updated, current, list)) {
            errors.push_back(forbidden(
                fmt::format("spec.{}", list), "pod updates may not add or remove containers"
            ));
            same_containers = false;
        }
    }
    if (!same_containers) {
        return;
    }
    check_deadline(updated, current, errors);
    check_tolerations(updated, current, errors);
    check_gates(updated, current, errors);
    if (fixed_part(updated) != fixed_part(current)) {
        errors.push_back(forbidden("spec", kSpecSentence));
    }
}

// A container that has ended for good does not come back to life.
void check_transitions(
    const Value& updated, const Value& current, std::string_view list, FieldErrors& errors
) {
    const std::string_view policy = current.text_at({"spec", "restartPolicy"});
    const auto& after = list_at(updated, {"status", list});
    for (const Value& before : list_at(current, {"status", list})) {
        const Value* terminated = before.at_path({"state", "terminated"});
        const bool for_good = terminated != nullptr &&
                              (policy == "Never" || (policy == "OnFailure" &&
                                                     terminated->integer_at({"exitCode"}) == 0));
        for (std::size_t i = 0; for_good && i < after.size(); ++i) {
            if (after[i].text_at({"name"}) == before.text_at({"name"}) &&
                after[i].at_path({"state", "terminated"}) == nullptr) {
                errors.push_back(forbidden(
                    fmt::format("status.{}[{}].state", list, i),
                    "may not be transitioned to non-terminated state"
                ));
            }
        }
    }
}

void check_addresses(const Value& updated, std::string_view list, FieldErrors& errors) {
    const auto& addresses = list_at(updated, {"status", list});
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const std::string_view ip = addresses[i].text_at({"ip"});
        if (const auto complaint = object::check_ip(ip)) {
            errors.push_back(invalid(fmt::format("status.{}[{}]", list, i), ip, *complaint));
        }
    }
    const auto is_v6 = [](const Value& address) {
        return address.text_at({"ip"}).find(':') != std::string_view::npos;
    };
    const auto v6 = std::ranges::count_if(addresses, is_v6);
    const auto total = static_cast<std::ptrdiff_t>(addresses.size());
    if (v6 > 1 || total - v6 > 1) {
        errors.push_back(invalid(
            fmt::format("status.{}", list), *updated.at_path({"status", list}),
            "may specify no more than one IP for each IP family"
        ));
    }
}

}  // namespace

void validate_pod_update(
    const json::Value& updated, const json::Value& current, Part part, FieldErrors& errors
) {
    if (part == Part::main) {
        validate_spec_update(updated, current, errors);
        return;
    }
    const std::string_view qos = updated.text_at({"status", "qosClass"});
    if (qos != current.text_at({"status", "qosClass"})) {
        errors.push_back(invalid("status.qosClass", qos, "field is immutable"));
    }
    check_transitions(updated, current, "containerStatuses", errors);
    check_addresses(updated, "podIPs", errors);
    check_addresses(updated, "hostIPs", errors);
}

}  // namespace farhold::kubeschema
