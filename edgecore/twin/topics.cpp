// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/topics.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace farhold::twin {
namespace {

constexpr std::string_view kDevice = "$hw/events/device/";
constexpr std::string_view kNode = "$hw/events/node/";

// Bounds what a message makes us repeat; names of Kubernetes are shorter.
constexpr std::size_t kNameBytesMax = 253;

struct Suffix {
    Topic::Kind kind;
    std::string_view text;
};
constexpr std::array<Suffix, 4> kDeviceSuffixes = {{
    {Topic::Kind::twin_update, "twin/update"},
    {Topic::Kind::twin_get, "twin/get"},
    {Topic::Kind::state_update, "state/update"},
    {Topic::Kind::state_get, "state/get"},
}};
constexpr std::array<Suffix, 2> kNodeSuffixes = {{
    {Topic::Kind::membership_get, "membership/get"},
    {Topic::Kind::membership_detail, "membership/detail"},
}};

template <std::size_t Count>
std::optional<Topic::Kind> kind_of(
    const std::array<Suffix, Count>& suffixes, std::string_view text
) {
    const auto found = std::ranges::find(suffixes, text, &Suffix::text);
    if (found == suffixes.end()) return std::nullopt;
    return found->kind;
}

template <std::size_t Count>
std::string_view text_of(const std::array<Suffix, Count>& suffixes, Topic::Kind kind) {
    const auto found = std::ranges::find(suffixes, kind, &Suffix::kind);
    return found == suffixes.end() ? std::string_view() : found->text;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kNameBytesMax && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    });
}

// Takes one level off.
std::optional<std::string_view> take_level(std::string_view& rest) {
    const std::size_t end = rest.find('/');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view level = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (!is_name(level)) return std::nullopt;
    return level;
}

std::string device_topic(std::string_view device, std::string_view suffix) {
    std::string topic(kDevice);
    topic += device;
    topic += '/';
    topic += suffix;
    return topic;
}

std::string node_topic(std::string_view node, std::string_view suffix) {
    std::string topic(kNode);
    topic += node;
    topic += '/';
    topic += suffix;
    return topic;
}

}  // namespace

std::optional<Topic> parse_topic(std::string_view topic) {
    if (topic.starts_with(kDevice)) {
        std::string_view rest = topic.substr(kDevice.size());
        const auto ns = take_level(rest);
        const auto name = ns ? take_level(rest) : std::nullopt;
        const auto kind = name ? kind_of(kDeviceSuffixes, rest) : std::nullopt;
        if (!kind) return std::nullopt;
        return Topic{
            .kind = *kind, .device = std::string(*ns) + '/' + std::string(*name), .node = {}
        };
    }
    if (topic.starts_with(kNode)) {
        std::string_view rest = topic.substr(kNode.size());
        const auto node = take_level(rest);
        const auto kind = node ? kind_of(kNodeSuffixes, rest) : std::nullopt;
        if (!kind) return std::nullopt;
        return Topic{.kind = *kind, .device = {}, .node = std::string(*node)};
    }
    return std::nullopt;
}

std::string result_topic(const Topic& topic) {
    const bool of_device = !topic.device.empty();
    return (of_device ? device_topic(topic.device, text_of(kDeviceSuffixes, topic.kind))
                      : node_topic(topic.node, text_of(kNodeSuffixes, topic.kind))) +
           "/result";
}

std::string delta_topic(std::string_view device) {
    return device_topic(device, "twin/update/delta");
}

std::string document_topic(std::string_view device) {
    return device_topic(device, "twin/update/document");
}

std::string attributes_topic(std::string_view device) {
    return device_topic(device, "updated");
}

std::string membership_topic(std::string_view node) {
    return node_topic(node, "membership/updated");
}

std::string membership_filter(std::string_view node, std::string_view what) {
    return node_topic(node, "membership/") + std::string(what);
}

}  // namespace farhold::twin
