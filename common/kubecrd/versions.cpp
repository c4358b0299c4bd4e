// SPDX-License-Identifier: Apache-2.0
#include "common/kubecrd/versions.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <tuple>

namespace farhold::kubecrd {
namespace {

// Larger is better.
struct Rank {
    int stage = 0;  // alpha, beta, stable.
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
};

std::optional<std::uint32_t> take_number(std::string_view& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || text.front() == '0') {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

// Nothing for what is not of Kubernetes' form.
std::optional<Rank> rank_of(std::string_view version) {
    Rank rank;
    if (!version.starts_with('v')) {
        return std::nullopt;
    }
    version.remove_prefix(1);
    const auto major = take_number(version);
    if (!major) {
        return std::nullopt;
    }
    rank.major = *major;
    if (version.empty()) {
        rank.stage = 2;
        return rank;
    }
    if (version.starts_with("beta")) {
        rank.stage = 1;
        version.remove_prefix(4);
    } else if (version.starts_with("alpha")) {
        version.remove_prefix(5);
    } else {
        return std::nullopt;
    }
    const auto minor = take_number(version);
    if (!minor || !version.empty()) {
        return std::nullopt;
    }
    rank.minor = *minor;
    return rank;
}

}  // namespace

bool is_preferred(std::string_view version, std::string_view other) {
    const auto mine = rank_of(version);
    const auto theirs = rank_of(other);
    if (mine && theirs) {
        return std::tie(theirs->stage, theirs->major, theirs->minor) <
               std::tie(mine->stage, mine->major, mine->minor);
    }
    return mine.has_value() != theirs.has_value() ? mine.has_value() : version < other;
}

}  // namespace farhold::kubecrd
