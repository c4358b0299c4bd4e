// SPDX-License-Identifier: Apache-2.0
#include "common/base/url_text.hpp"

#include "common/base/encoding.hpp"

#include <algorithm>
#include <cstddef>

namespace farhold {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::string_view part = text.substr(0, text.find(separator));
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        if (!part.empty()) parts.push_back(part);
    }
    return parts;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> query;
    for (const std::string_view pair : split(text, '&')) {
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto key = percent_decode(pair.substr(0, equals), true);
        if (!key) return fail(key.error());
        auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!value) return fail(value.error());
        query.emplace_back(std::move(*key), std::move(*value));
    }
    return query;
}

}  // namespace farhold
