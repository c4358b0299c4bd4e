// SPDX-License-Identifier: Apache-2.0
//
// Pure: regular expressions as they stand in schemas. Kubernetes reads RE2's syntax; what backtracking
// engines have beyond it is refused, so that a definition means the same on both servers.
#pragma once

#include "common/base/error.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace farhold::kubecrd {

class Pattern {
public:
    static Result<Pattern> compile(std::string_view text);

    const std::string& text() const { return text_; }

    // Somewhere in it. A text whose search takes too long does not match.
    bool matches(std::string_view text) const;

private:
    struct Compiled;

    std::string text_;
    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace farhold::kubecrd
