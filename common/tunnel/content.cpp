// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/content.hpp"

#include "common/base/sha256.hpp"

#include <algorithm>
#include <array>

namespace farhold::tunnel {
namespace {

constexpr std::array<std::string_view, 4> kBookkeeping = {
    "managedFields",
    "resourceVersion",
    "uid",
    "selfLink",
};

json::Value machine_annotations(const json::Value& annotations) {
    json::Value kept = json::Value::make_object();
    for (const json::Member& member : annotations.object()) {
        if (!member.key.starts_with(kReportAnnotation)) {
            kept.object().push_back(member);
        }
    }
    return kept;
}

json::Value machine_metadata(const json::Value& metadata) {
    json::Value kept = json::Value::make_object();
    for (const json::Member& member : metadata.object()) {
        if (std::ranges::find(kBookkeeping, member.key) != kBookkeeping.end()) {
            continue;
        }
        if (member.key == "annotations" && member.value.is_object()) {
            json::Value annotations = machine_annotations(member.value);
            // Without ours there are none: as if there had never been any.
            if (!annotations.empty() || member.value.empty()) {
                kept.object().push_back({member.key, std::move(annotations)});
            }
            continue;
        }
        kept.object().push_back(member);
    }
    return kept;
}

bool has_ended(const json::Value& object) {
    const std::string_view phase = object.text_at({"status", "phase"});
    return object.text_at({"kind"}) == "Pod" && (phase == "Succeeded" || phase == "Failed");
}

}  // namespace

Content make_content(const json::Value& object) {
    json::Value kept = json::Value::make_object();
    if (object.is_object()) {
        for (const json::Member& member : object.object()) {
            if (member.key == "metadata" && member.value.is_object()) {
                kept.object().push_back({member.key, machine_metadata(member.value)});
            } else if (member.key != "status") {
                kept.object().push_back(member);
            } else if (has_ended(object)) {
                kept.object().push_back(
                    {member.key, json::Value::make_object({{"phase", *member.value.find("phase")}})}
                );
            }
        }
    }
    Content content;
    content.text = kept.dump();
    content.hash = content_hash(content.text);
    return content;
}

std::string content_hash(std::string_view text) {
    return sha256(text).substr(0, kContentHashBytes);
}

}  // namespace farhold::tunnel
