// SPDX-License-Identifier: Apache-2.0
#include "common/kubecrd/pattern.hpp"

#include <boost/regex.hpp>
#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace farhold::kubecrd {
namespace {

constexpr std::size_t kMaxLength = 4'096;

// Looking around and back, and what else begins "(?" beyond flags and names.
bool is_beyond_re2(std::string_view text) {
    bool in_class = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = text.substr(i);
        if (rest.front() == '\\') {
            if (!in_class && rest.size() > 1 && rest[1] >= '1' && rest[1] <= '9') {
                return true;
            }
            ++i;
        } else if (in_class) {
            in_class = rest.front() != ']';
        } else if (rest.front() == '[') {
            in_class = true;
            // A bracket that comes first stands for itself.
            i += rest.starts_with("[^]") ? 2 : rest.starts_with("[]") ? 1 : 0;
        } else if (rest.starts_with("(?=") || rest.starts_with("(?!") || rest.starts_with("(?<=") ||
                   rest.starts_with("(?<!") || rest.starts_with("(?>") || rest.starts_with("(?#") ||
                   rest.starts_with("(?(") || rest.starts_with("(?R") || rest.starts_with("(?&") ||
                   rest.starts_with("(*")) {
            return true;
        } else if (rest.starts_with("*+") || rest.starts_with("++") || rest.starts_with("?+")) {
            return true;
        }
    }
    return false;
}

// RE2 writes a name as (?P<name>.
std::string perl_syntax(std::string_view text) {
    std::string result(text);
    for (std::size_t at = 0; (at = result.find("(?P<", at)) != std::string::npos; ++at) {
        result.erase(at + 2, 1);
    }
    return result;
}

}  // namespace

struct Pattern::Compiled {
    boost::regex regex;
};

Result<Pattern> Pattern::compile(std::string_view text) {
    const auto refused = [text](std::string_view why) {
        return fail(
            ErrorCode::invalid_argument, fmt::format("error parsing regexp: {}: `{}`", why, text)
        );
    };
    if (text.size() > kMaxLength) {
        return refused("expression too large");
    }
    if (is_beyond_re2(text)) {
        return refused("invalid or unsupported Perl syntax");
    }
    Pattern pattern;
    pattern.text_ = text;
    try {
        // No "." for a newline, no "^" after one: as RE2 without flags.
        const auto flags = boost::regex::perl | boost::regex::no_mod_m | boost::regex::no_mod_s;
        pattern.compiled_ =
            std::make_shared<const Compiled>(boost::regex(perl_syntax(text), flags));
    } catch (const std::runtime_error& error) {
        return refused(error.what());
    }
    return pattern;
}

bool Pattern::matches(std::string_view text) const {
    try {
        return boost::regex_search(
            text.data(), text.data() + text.size(), compiled_->regex,
            boost::regex_constants::match_single_line |
                boost::regex_constants::match_not_dot_newline
        );
    } catch (const std::runtime_error&) {
        return false;
    }
}

}  // namespace farhold::kubecrd
