// SPDX-License-Identifier: Apache-2.0
//
// Pure: the bodies of POST /v1/enrol and of its answer.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"
#include "common/net/peer.hpp"
#include "common/pki/join_token.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::enrolment {

struct EnrolRequest {
    pki::JoinToken token;
    std::string node;          // The name that the machine wishes for.
    std::string architecture;  // "amd64", "arm64"
    std::map<std::string, std::string> labels;
    std::string request_pem;
};

// The error says what is wrong and never repeats the token.
Result<EnrolRequest> parse_enrol_request(std::string_view body);

struct EnrolAnswer {
    std::string node;
    std::string cluster_uid;
    std::string certificate_pem;
    std::string ca_pem;
    std::vector<net::Endpoint> hubs;
};

std::string render_enrol_answer(const EnrolAnswer& answer);

// The Node that takes the name: with the machine's key and labels, without any status.
json::Value make_node(
    const EnrolRequest& request, const std::string& node, const std::string& key_id
);

inline constexpr std::string_view kMachineKeyAnnotation = "farhold.io/machine-key";

}  // namespace farhold::enrolment
