// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include <algorithm>

namespace farhold::api_behaviour {

std::string_view Question::path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::vector<std::pair<std::string, std::string>> Question::query() const {
    std::vector<std::pair<std::string, std::string>> pairs;
    std::string_view rest = target;
    rest.remove_prefix(std::min(path().size() + 1, rest.size()));
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        pairs.emplace_back(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
    }
    return pairs;
}

Question default_account() {
    return {
        .method = "POST",
        .target = "/api/v1/namespaces/default/serviceaccounts",
        .body = R"({"metadata":{"name":"default"},"automountServiceAccountToken":false})",
    };
}

std::string Answer::header(std::string_view name) const {
    const auto found =
        std::ranges::find_if(headers, [name](const auto& field) { return field.first == name; });
    return found == headers.end() ? "" : found->second;
}

}  // namespace farhold::api_behaviour
