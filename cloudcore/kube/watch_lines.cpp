// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/watch_lines.hpp"

#include "common/kubeapi/rest_requests.hpp"

#include <algorithm>
#include <utility>

namespace farhold::kube {

namespace {

constexpr std::size_t kLineBytesMax = std::size_t{16} << 20U;

}  // namespace

Result<std::optional<kubeapi::WatchEvent>> WatchLines::next() {
    const auto end = text_.find('\n', std::max(position_, searched_));
    if (end == std::string::npos) {
        text_.erase(0, std::exchange(position_, 0));
        searched_ = text_.size();
        if (text_.size() > kLineBytesMax) {
            return fail(ErrorCode::internal, "a watch event of more than 16 MiB");
        }
        return std::nullopt;
    }
    const std::string_view line = std::string_view(text_).substr(position_, end - position_);
    position_ = end + 1;
    auto document = json::Value::parse(line);
    if (!document) return fail(ErrorCode::corrupt, "watch: " + document.error().message());
    auto event = kubeapi::read_watch_event(std::move(*document));
    if (!event) return fail(event.error());
    return std::optional(std::move(*event));
}

}  // namespace farhold::kube
