// SPDX-License-Identifier: Apache-2.0
//
// Asks the cluster who somebody is and what he may, and remembers the answer for a while, as a kubelet
// does. Runs on the loop.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/kubeapi/kube_client.hpp"

#include <map>
#include <string>
#include <vector>

namespace farhold::kubelet {

struct Asker {
    std::string name;
    std::vector<std::string> groups;
};

struct Access {
    std::string verb;
    std::string subresource;  // Of nodes.
    std::string node;
};

class AccessReviews {
public:
    AccessReviews(kubeapi::KubeObjects& client, const Clock& clock)
        : client_(client), clock_(clock) {}

    // unauthenticated: the cluster does not know the token.
    Task<Result<Asker>> who_has(std::string token);
    // permission_denied: it must not.
    Task<Result<>> may(Asker asker, Access access);

private:
    struct Verdict {
        bool allowed = false;
        Instant until;
    };
    struct Known {
        Asker asker;
        Instant until;
    };

    kubeapi::KubeObjects& client_;
    const Clock& clock_;
    std::map<std::string, Verdict> verdicts_;
    std::map<std::string, Known> tokens_;  // By the token's hash.
};

}  // namespace farhold::kubelet
