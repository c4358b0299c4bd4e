// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/node_request.hpp"

#include "common/base/encoding.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace farhold::nodeapi {

namespace {

constexpr std::int64_t kSecondsMax = std::int64_t{100} * 365 * 24 * 3600;

Result<std::string> decode(std::string_view text, bool form) {
    auto decoded = percent_decode(text, form);
    if (!decoded) {
        return fail(decoded.error().within("target"));
    }
    return decoded;
}

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
    const auto question = target.find('?');
    std::string_view path = target.substr(0, question);
    while (!path.empty()) {
        const auto slash = path.find('/');
        if (slash != 0) {
            auto segment = decode(path.substr(0, slash), false);
            if (!segment) {
                return fail(segment.error());
            }
            request.path.push_back(std::move(*segment));
        }
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    std::string_view query =
        question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    while (!query.empty()) {
        const auto end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        const auto equals = pair.find('=');
        auto key = decode(pair.substr(0, equals), true);
        auto value = decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
        if (!key || !value) {
            return fail(key ? value.error() : key.error());
        }
        if (!pair.empty()) {
            request.query.emplace_back(std::move(*key), std::move(*value));
        }
    }
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
