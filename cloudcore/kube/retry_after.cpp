// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace farhold::kube {

namespace {

constexpr int kLongest = 10;

}  // namespace

std::optional<Duration> retry_after(const net::HttpResponse& response) {
    const std::string_view text = response.headers.get("Retry-After");
    if ((response.status != 429 && response.status < 500) || text.empty()) return std::nullopt;
    int seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds < 0) {
        return std::nullopt;
    }
    return std::chrono::seconds(std::min(seconds, kLongest));
}

}  // namespace farhold::kube
