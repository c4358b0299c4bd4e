// SPDX-License-Identifier: Apache-2.0
//
// Pure: which machine a request to the kubelet of all machines is for, and what it takes to ask it.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>

namespace farhold::kubelet {

struct KubeletRoute {
    // One of both: the machine, or the Pod whose machine it is.
    std::string node;
    std::string ns;
    std::string pod;
    // Path and query for the machine.
    std::string target;

    // What a client must be allowed to do with the Node.
    std::string verb;
    std::string subresource;
    // Statistics: a token will do as well as a certificate.
    bool takes_tokens = false;
};

// `forwarded` is the header X-Forwarded-Uri. invalid_argument: nobody can tell which machine is meant;
// not_found: a kubelet has no such path.
Result<KubeletRoute> route(
    std::string_view method, std::string_view target, std::string_view forwarded
);

}  // namespace farhold::kubelet
