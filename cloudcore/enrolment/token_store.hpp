// SPDX-License-Identifier: Apache-2.0
//
// Join tokens in the Kubernetes API: one Secret each in kube-system, labelled farhold.io/join-token,
// changed by compare-and-swap only, so that several hubs and the command line may work at once. The
// key of the hashes is the Secret kube-system/farhold-token-key.
#pragma once

#include "cloudcore/enrolment/token_record.hpp"
#include "common/async/task.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/pki/join_token.hpp"

#include <string>
#include <vector>

namespace farhold::enrolment {

struct TokenOptions {
    Duration ttl = std::chrono::hours(24);
    std::int64_t uses = 1;
    std::string node;
};

class TokenStore {
public:
    // The client must outlive the store.
    explicit TokenStore(kubeapi::KubeObjects& client) : client_(client) {}

    Task<Result<pki::JoinToken>> create(TokenOptions options, std::string ca_key_id, WallTime now);
    Task<Result<std::vector<TokenRecord>>> list();
    Task<Result<void>> revoke(std::string id);

    // The record of a token whose secret is right; unauthenticated otherwise, without saying why.
    Task<Result<TokenRecord>> find(pki::JoinToken token);
    // conflict when somebody else has changed it meanwhile.
    Task<Result<void>> replace(TokenRecord record);
    // Those whose time is over, lost answers included.
    Task<Result<void>> remove_expired(WallTime now);

private:
    Task<Result<std::string>> hash_key();

    kubeapi::KubeObjects& client_;
};

}  // namespace farhold::enrolment
