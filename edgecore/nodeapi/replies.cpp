// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/replies.hpp"

#include <utility>

namespace farhold::nodeapi {

namespace {

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::not_found:
            return 404;
        case ErrorCode::invalid_argument:
            return 400;
        case ErrorCode::resource_exhausted:
            return 429;
        case ErrorCode::unavailable:
            return 503;
        default:
            return 500;
    }
}

}  // namespace

Result<json::Value> find_pod(const NodeServices& services, const ContainerAddress& address) {
    auto pod = services.pod(address.ns, address.pod);
    const bool same =
        !pod.is_null() && (address.uid.empty() || pod.text_at({"metadata", "uid"}) == address.uid);
    if (!same) {
        return fail(ErrorCode::not_found, "pod does not exist");
    }
    return pod;
}

net::HttpResponse error_response(int status, const Error& error) {
    return net::text_response(status, error.message());
}

net::HttpResponse error_response(const Error& error) {
    return error_response(status_of(error.code()), error);
}

}  // namespace farhold::nodeapi
