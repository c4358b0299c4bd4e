// SPDX-License-Identifier: Apache-2.0
//
// Pure: Kubernetes' protobuf bodies as JSON. Newer clients send built-in kinds only so; answers may
// stay JSON. One walker serves all kinds: what a field is called and means stands in
// kubeschema::FieldTable. Unknown fields are skipped, as upstream does.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"
#include "common/kubeschema/field_table.hpp"

#include <string>
#include <string_view>

namespace farhold::kubeproto {

inline constexpr std::string_view kMediaType = "application/vnd.kubernetes.protobuf";

// What is around an object: the magic bytes "k8s\0" and runtime.Unknown.
struct Envelope {
    std::string api_version;
    std::string kind;
    std::string raw;  // The object, encoded by its generated.proto; without kind and apiVersion.
};

// invalid_argument when the magic is missing. An undecodable or empty rest is an empty envelope, as
// upstream has it.
Result<Envelope> open_envelope(std::string_view body);

// The object as its JSON form: zero values of fields that JSON leaves out are absent, although the
// Go encoder writes them. invalid_argument when the bytes are no such message.
Result<json::Value> decode_message(std::string_view raw, const kubeschema::MessageType& type);

}  // namespace farhold::kubeproto
