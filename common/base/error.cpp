// SPDX-License-Identifier: Apache-2.0
#include "common/base/error.hpp"

namespace farhold {

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument:
            return "invalid argument";
        case ErrorCode::not_found:
            return "not found";
        case ErrorCode::already_exists:
            return "already exists";
        case ErrorCode::conflict:
            return "conflict";
        case ErrorCode::unauthenticated:
            return "unauthenticated";
        case ErrorCode::permission_denied:
            return "permission denied";
        case ErrorCode::resource_exhausted:
            return "resource exhausted";
        case ErrorCode::unavailable:
            return "unavailable";
        case ErrorCode::deadline:
            return "deadline exceeded";
        case ErrorCode::cancelled:
            return "cancelled";
        case ErrorCode::corrupt:
            return "corrupt";
        case ErrorCode::unsupported:
            return "unsupported";
        case ErrorCode::internal:
            return "internal";
    }
    return "internal";
}

}  // namespace farhold
