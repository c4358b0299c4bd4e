// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/node_request.hpp"

#include "common/base/encoding.hpp"
#include "common/base/url_text.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace farhold::nodeapi {

namespace {

constexpr std::int64_t kSecondsMax = std::int64_t{100} * 365 * 24 * 3600;

Result<std::optional<std::uint64_t>> number(
    const NodeRequest& request, std::string_view key, std::uint64_t least
) {
    const std::string_view text = request.parameter(key);
    if (text.empty()) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("{}: \"{}\" is not a number of at least {}", key, text, least)
        );
    }
    return value;
}

}  // namespace

std::string_view NodeRequest::parameter(std::string_view key) const {
    for (const auto& [name, value] : query) {
        if (name == key) {
            return value;
        }
    }
    return {};
}

bool NodeRequest::flag(std::string_view key) const {
    const std::string_view value = parameter(key);
    return value == "1" || value == "true";
}

Result<NodeRequest> parse_node_request(std::string_view target) {
    NodeRequest request;
    const std::size_t question = std::min(target.find('?'), target.size());
    for (const std::string_view element : split(target.substr(0, question), '/')) {
        auto segment = percent_decode(element, false);
        if (!segment) {
            return fail(segment.error().within("target"));
        }
        request.path.push_back(std::move(*segment));
    }
    auto query = parse_query(target.substr(std::min(question + 1, target.size())));
    if (!query) {
        return fail(query.error().within("target"));
    }
    request.query = std::move(*query);
    return request;
}

std::optional<ContainerAddress> container_address(const std::vector<std::string>& path) {
    if (path.size() != 4 && path.size() != 5) {
        return std::nullopt;
    }
    return ContainerAddress{
        .ns = path[1],
        .pod = path[2],
        .uid = path.size() == 5 ? path[3] : std::string(),
        .container = path.back(),
    };
}

std::optional<ContainerAddress> pod_address(const std::vector<std::string>& path) {
    if (path.size() != 3 && path.size() != 4) {
        return std::nullopt;
    }
    return ContainerAddress{
        .ns = path[1],
        .pod = path[2],
        .uid = path.size() == 4 ? path[3] : std::string(),
        .container = {},
    };
}

Result<LogOptions> parse_log_options(const NodeRequest& request, WallTime now) {
    LogOptions options;
    options.follow = request.flag("follow");
    options.previous = request.flag("previous");
    options.timestamps = request.flag("timestamps");
    const auto tail = number(request, "tailLines", 0);
    const auto limit = number(request, "limitBytes", 1);
    const auto seconds = number(request, "sinceSeconds", 1);
    for (const auto* each : {&tail, &limit, &seconds}) {
        if (!*each) {
            return fail(each->error());
        }
    }
    options.tail_lines = *tail;
    options.bytes_max = *limit;
    const std::string_view since = request.parameter("sinceTime");
    if (*seconds && !since.empty()) {
        return fail(
            ErrorCode::invalid_argument,
            "at most one of `sinceTime` or `sinceSeconds` may be specified"
        );
    }
    if (*seconds) {
        const auto back = std::min<std::uint64_t>(**seconds, kSecondsMax);
        options.since = now - std::chrono::seconds(back);
    } else if (!since.empty()) {
        const auto time = object::parse_time(since);
        if (!time) {
            return fail(time.error().within("sinceTime"));
        }
        options.since = *time;
    }
    return options;
}

}  // namespace farhold::nodeapi
