// SPDX-License-Identifier: Apache-2.0
//
// Pure: a Kubernetes object as machines get it: without status and without what changes although
// nothing changes for the machine (resourceVersion, managedFields, our own bookkeeping). Of a Pod that
// has ended the phase is left, so that a machine which knows nothing of it does not run it again. The
// uid travels beside the content and is compared apart: an object made anew may have the same content.
#pragma once

#include "common/json/value.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::tunnel {

// JSON text as it is. Another encoding (a compressed one) gets another number, and an inventory
// entry of another encoding counts as a different one.
inline constexpr std::uint32_t kEncodingJson = 1;

// Where the hub leaves "<epoch>.<ordinal>" of the report that it wrote last into an object.
inline constexpr std::string_view kReportAnnotation = "farhold.io/report";

// Of a Node: the hash of the one key that may speak for it. Nodes that have it are machines of ours.
inline constexpr std::string_view kMachineKeyAnnotation = "farhold.io/machine-key";

inline constexpr std::size_t kContentHashBytes = 16;

struct Content {
    std::string text;
    std::string hash;
};

Content make_content(const json::Value& object);

// The first 16 bytes of SHA-256.
std::string content_hash(std::string_view text);

}  // namespace farhold::tunnel
