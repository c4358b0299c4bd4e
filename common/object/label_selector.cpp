// SPDX-License-Identifier: Apache-2.0
//
// Grammar and sentences of k8s.io/apimachinery/pkg/labels.
#include "common/object/names.hpp"
#include "common/object/selectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace farhold::object {
namespace {

using Operator = LabelSelector::Operator;
using Requirement = LabelSelector::Requirement;

constexpr std::string_view kSpecial = "=!(),<>";

std::unexpected<Error> refuse(std::string_view sentence) {
    return fail(
        ErrorCode::invalid_argument, fmt::format("unable to parse requirement: {}", sentence)
    );
}

// Words, operators and punctuation; an empty token is the end.
class Lexer {
public:
    explicit Lexer(std::string_view text) : rest_(text) { advance(); }

    std::string_view token() const { return token_; }
    bool at_end() const { return token_.empty(); }
    bool is_word() const {
        return !at_end() && kSpecial.find(token_.front()) == std::string_view::npos;
    }

    bool begins_requirement() const { return is_word() || token_ == "!"; }

    void advance() {
        constexpr std::string_view kSpace = " \t\r\n";
        rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
        std::size_t length = 0;
        if (rest_.starts_with("==") || rest_.starts_with("!=")) {
            length = 2;
        } else if (!rest_.empty() && kSpecial.find(rest_.front()) != std::string_view::npos) {
            length = 1;
        } else {
            const auto end = rest_.find_first_of(" \t\r\n=!(),<>");
            length = std::min(end, rest_.size());
        }
        token_ = rest_.substr(0, length);
        rest_.remove_prefix(length);
    }

    bool accept(std::string_view token) {
        if (token_ != token) {
            return false;
        }
        advance();
        return true;
    }

private:
    std::string_view rest_;
    std::string_view token_;
};

std::optional<Operator> set_operator(std::string_view token) {
    if (token == "in") {
        return Operator::in;
    }
    return token == "notin" ? std::optional(Operator::not_in) : std::nullopt;
}

std::optional<Operator> value_operator(std::string_view token) {
    if (token == "=" || token == "==") {
        return Operator::in;
    }
    if (token == "!=") {
        return Operator::not_in;
    }
    if (token == ">") {
        return Operator::greater;
    }
    return token == "<" ? std::optional(Operator::less) : std::nullopt;
}

Result<std::vector<std::string>> parse_value_set(Lexer& lexer) {
    if (!lexer.accept("(")) {
        return refuse(fmt::format("found '{}' expected: '('", lexer.token()));
    }
    std::vector<std::string> values;
    while (true) {
        // An empty element is a value too: "in (a,)".
        std::string value;
        if (lexer.is_word()) {
            value = lexer.token();
            lexer.advance();
        }
        if (std::ranges::find(values, value) == values.end()) {
            values.push_back(std::move(value));
        }
        if (lexer.accept(")")) {
            return values;
        }
        if (!lexer.accept(",")) {
            return refuse(fmt::format("found '{}', expected: ',' or ')'", lexer.token()));
        }
    }
}

std::optional<std::int64_t> to_integer(std::string_view text) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && rest == end ? std::optional(value) : std::nullopt;
}

Result<void> check(const Requirement& requirement) {
    if (const auto complaint = check_qualified_name(requirement.key)) {
        return refuse(fmt::format("<nil>: Invalid value: \"{}\": {}", requirement.key, *complaint));
    }
    const bool compares = requirement.op == Operator::greater || requirement.op == Operator::less;
    for (const std::string& value : requirement.values) {
        if (compares && !to_integer(value)) {
            return refuse(fmt::format(
                "values[0]: Invalid value: \"{}\": for 'Gt', 'Lt' operators, the value must be an "
                "integer",
                value
            ));
        }
        if (const auto complaint = check_label_value(value)) {
            return refuse(fmt::format(
                "values[0][{}]: Invalid value: \"{}\": {}", requirement.key, value, *complaint
            ));
        }
    }
    return {};
}

Result<Requirement> parse_requirement(Lexer& lexer) {
    const bool negated = lexer.accept("!");
    if (!lexer.is_word()) {
        return refuse(fmt::format("found '{}', expected: identifier", lexer.token()));
    }
    Requirement requirement{std::string(lexer.token()), Operator::exists, {}};
    lexer.advance();
    if (lexer.at_end() || lexer.token() == "," || negated) {
        requirement.op = negated ? Operator::not_exists : Operator::exists;
    } else if (const auto set = set_operator(lexer.token())) {
        lexer.advance();
        requirement.op = *set;
        auto values = parse_value_set(lexer);
        if (!values) {
            return fail(std::move(values.error()));
        }
        requirement.values = std::move(*values);
    } else if (const auto op = value_operator(lexer.token())) {
        lexer.advance();
        requirement.op = *op;
        requirement.values.emplace_back(lexer.is_word() ? lexer.token() : "");
        if (lexer.is_word()) {
            lexer.advance();
        } else if (!lexer.at_end() && lexer.token() != ",") {
            return refuse(fmt::format("found '{}', expected: identifier", lexer.token()));
        }
    } else {
        return refuse(
            fmt::format("found '{}', expected: in, notin, =, ==, !=, gt, lt", lexer.token())
        );
    }
    if (auto checked = check(requirement); !checked) {
        return fail(std::move(checked.error()));
    }
    return requirement;
}

bool holds(const Requirement& requirement, std::optional<std::string_view> label) {
    const auto listed = [&] {
        return label && std::ranges::find(requirement.values, *label) != requirement.values.end();
    };
    switch (requirement.op) {
        case Operator::in:
            return listed();
        case Operator::not_in:
            return !listed();
        case Operator::exists:
            return label.has_value();
        case Operator::not_exists:
            return !label;
        case Operator::greater:
        case Operator::less: {
            const auto left = label ? to_integer(*label) : std::nullopt;
            const auto right = to_integer(requirement.values.front());
            return left && right &&
                   (requirement.op == Operator::greater ? *left > *right : *left < *right);
        }
    }
    return false;
}

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
    LabelSelector selector;
    Lexer lexer(text);
    const auto unexpected = [&lexer](std::string_view expected) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("found '{}', expected: {}", lexer.token(), expected)
        );
    };
    if (!lexer.at_end() && !lexer.begins_requirement()) {
        return unexpected("!, identifier, or 'end of string'");
    }
    while (!lexer.at_end()) {
        auto requirement = parse_requirement(lexer);
        if (!requirement) {
            return fail(std::move(requirement.error()));
        }
        selector.requirements_.push_back(std::move(*requirement));
        if (lexer.at_end()) {
            break;
        }
        if (!lexer.accept(",")) {
            return unexpected("',' or 'end of string'");
        }
        if (!lexer.begins_requirement()) {
            return unexpected("identifier after ','");
        }
    }
    return selector;
}

bool LabelSelector::matches(const json::Value* labels) const {
    return std::ranges::all_of(requirements_, [&](const Requirement& requirement) {
        const json::Value* value = labels != nullptr ? labels->find(requirement.key) : nullptr;
        return holds(requirement, value != nullptr ? value->string() : std::nullopt);
    });
}

// What labels may hold needs no escapes, so a label stands in the text as it is.
bool LabelSelector::may_match_text(std::string_view text) const {
    return std::ranges::all_of(requirements_, [&](const Requirement& requirement) {
        if (requirement.op == Operator::not_in || requirement.op == Operator::not_exists) {
            return true;
        }
        const std::string key = fmt::format("\"{}\":", requirement.key);
        if (requirement.op != Operator::in) {
            return text.contains(key);
        }
        return std::ranges::any_of(requirement.values, [&](const std::string& value) {
            return text.contains(fmt::format("{}\"{}\"", key, value));
        });
    });
}

bool LabelSelector::matches_object(const json::Value& object) const {
    return matches(object.at_path({"metadata", "labels"}));
}

}  // namespace farhold::object
