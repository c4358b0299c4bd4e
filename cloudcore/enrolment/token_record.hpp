// SPDX-License-Identifier: Apache-2.0
//
// Pure: what is stored about a join token, and who may still use it. The token's secret itself is
// not stored, only its keyed hash.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/json/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::enrolment {

// How long a machine whose answer got lost may ask again, with the same key.
inline constexpr Duration kRepeatWindow = std::chrono::minutes(10);
inline constexpr std::int64_t kUsesMax = 1000;

struct TokenUse {
    std::string node;
    std::string key_id;
    WallTime at;
};

struct TokenRecord {
    std::string id;
    std::string secret_hash;  // HMAC-SHA-256 of the secret, hex.
    WallTime created;
    WallTime expires;
    std::int64_t uses_max = 1;
    std::string node;  // Made for this machine, whose Node may exist already; empty: for new ones.
    std::vector<TokenUse> uses;

    // Of the Secret that holds it: the precondition for changing it.
    std::string resource_version;
};

// As a Secret in kube-system.
json::Value to_secret(const TokenRecord& record);
Result<TokenRecord> read_token(const json::Value& secret);
std::string secret_name(std::string_view token_id);

// A machine that has shown the right secret, and what it asks for.
struct Applicant {
    std::string key_id;
    std::string node_wish;
};

struct Admission {
    std::string node;
    // The token as it must be stored before anything is issued; nothing for a repeated request.
    std::optional<TokenRecord> used;
};

// `existing_key_id`: the key of the Node of the wanted name; nullopt: there is no such Node.
// Errors: permission_denied (expired, used up, another node's), invalid_argument (the name),
// already_exists (the Node).
Result<Admission> admit(
    const TokenRecord& record, const Applicant& applicant,
    const std::optional<std::string>& existing_key_id, WallTime now
);

// The name that the applicant would get.
std::string wanted_node(const TokenRecord& record, const Applicant& applicant);

}  // namespace farhold::enrolment
