// SPDX-License-Identifier: Apache-2.0
//
// Pure: the bodies of POST /v1/enrol and of its answer.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"
#include "common/net/peer.hpp"
#include "common/object/machine_choices.hpp"
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
    std::vector<object::Taint> taints;
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

// The zone of a machine that names none. The node controller counts silent nodes by zone and, when
// most of a zone is silent, evicts from it slowly or not at all: machines, which come and go, must not
// count among the cluster's own nodes.
inline constexpr std::string_view kZoneLabel = "topology.kubernetes.io/zone";
inline constexpr std::string_view kMachinesZone = "farhold-machines";

// The Node that takes the name: with the machine's key, labels and taints, without any status.
json::Value make_node(
    const EnrolRequest& request, const std::string& node, const std::string& key_id
);

// What gives an existing Node to the machine of `wanted`, as a merge patch. Its taints stay, and so
// does a zone that somebody chose.
json::Value take_over(const json::Value& existing, const json::Value& wanted);

}  // namespace farhold::enrolment
