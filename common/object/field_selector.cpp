// SPDX-License-Identifier: Apache-2.0
#include "common/object/selectors.hpp"

#include <fmt/format.h>

namespace farhold::object {
namespace {

// Splits at commas that no backslash precedes.
std::vector<std::string_view> split_terms(std::string_view text) {
    std::vector<std::string_view> terms;
    std::size_t start = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == ',') {
            terms.push_back(text.substr(start, i - start));
            start = i + 1;
        }
    }
    terms.push_back(text.substr(start));
    return terms;
}

Result<std::string> unescape_value(std::string_view text) {
    std::string value;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
            if (i == text.size() || (text[i] != '\\' && text[i] != ',' && text[i] != '=')) {
                return fail(
                    ErrorCode::invalid_argument,
                    fmt::format(
                        "invalid field selector: invalid escape sequence in value: {}", text
                    )
                );
            }
        } else if (text[i] == ',' || text[i] == '=') {
            return fail(
                ErrorCode::invalid_argument,
                fmt::format(
                    "invalid field selector: unescaped character in value: {}",
                    static_cast<int>(text[i])
                )
            );
        }
        value += text[i];
    }
    return value;
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
    FieldSelector selector;
    for (const std::string_view term : split_terms(text)) {
        if (term.empty()) {
            continue;
        }
        // The first operator ends the path, which has no escapes.
        const auto equals = term.find('=');
        if (equals == std::string_view::npos) {
            return fail(
                ErrorCode::invalid_argument,
                fmt::format("invalid selector: '{}'; can't understand '{}'", text, term)
            );
        }
        const bool negated = equals > 0 && term[equals - 1] == '!';
        const bool twice = !negated && equals + 1 < term.size() && term[equals + 1] == '=';
        auto value = unescape_value(term.substr(equals + (twice ? 2 : 1)));
        if (!value) {
            return fail(std::move(value.error()));
        }
        selector.requirements_.push_back({
            .path = std::string(term.substr(0, equals - (negated ? 1 : 0))),
            .negated = negated,
            .value = std::move(*value),
        });
    }
    return selector;
}

bool FieldSelector::matches(const Lookup& lookup) const {
    for (const Requirement& requirement : requirements_) {
        if ((lookup(requirement.path) == requirement.value) == requirement.negated) {
            return false;
        }
    }
    return true;
}

}  // namespace farhold::object
