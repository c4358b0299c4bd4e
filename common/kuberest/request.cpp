// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/request.hpp"

#include "common/kuberest/watcher.hpp"

#include <algorithm>

namespace farhold::kuberest {

bool UserInfo::in_group(std::string_view group) const {
    return std::ranges::find(groups, group) != groups.end();
}

std::optional<std::string_view> find_parameter(const Query& query, std::string_view key) {
    for (const auto& [name, value] : query) {
        if (name == key) {
            return value;
        }
    }
    return std::nullopt;
}

Response::Response() = default;
Response::Response(int response_code, std::string response_body)
    : code(response_code), body(std::move(response_body)) {}
Response::Response(Response&&) noexcept = default;
Response& Response::operator=(Response&&) noexcept = default;
Response::~Response() = default;

}  // namespace farhold::kuberest
