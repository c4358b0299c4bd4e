// SPDX-License-Identifier: Apache-2.0
//
// Pure: ServiceAccount tokens as JSON Web Tokens with Kubernetes' claims, signed with the API's own
// key. What they say of objects is compared with the store by who takes them (token_request.cpp).
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/pki/key.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::kuberest {

// Of tokens that name no other audience: our API.
inline constexpr std::string_view kTokenIssuer = "https://kubernetes.default.svc.cluster.local";

inline constexpr std::size_t kAccountTokenBytesMax = std::size_t{16} << 10U;

struct TokenClaims {
    std::string ns;
    std::string account;
    std::string account_uid;
    std::string pod;  // Empty: bound to no pod.
    std::string pod_uid;
    std::vector<std::string> audiences;
    WallTime issued;  // Whole seconds, as the next one.
    WallTime expires;
    std::string id;

    bool operator==(const TokenClaims&) const = default;
};

class AccountTokens {
public:
    // The key suits ES256 (common/pki/signature.hpp).
    explicit AccountTokens(pki::PrivateKey key) : key_(std::move(key)) {}

    [[nodiscard]] std::string sign(const TokenClaims& claims) const;

    // Of a token of ours for our API that has not expired. Else unauthenticated, for the log.
    [[nodiscard]] Result<TokenClaims> verify(std::string_view token, WallTime now) const;

private:
    pki::PrivateKey key_;
};

}  // namespace farhold::kuberest
