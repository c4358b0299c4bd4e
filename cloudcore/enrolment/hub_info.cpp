// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/hub_info.hpp"

#include "common/net/endpoint.hpp"

#include <ranges>
#include <utility>

namespace farhold::enrolment {

namespace {

using json::Value;

const std::string kNamespace = "kube-system";
const std::string kName = "farhold-hub";

Value to_config_map(const HubInfo& info) {
    std::string hubs;
    for (const auto& hub : info.hubs) {
        hubs += net::to_string(hub) + "\n";
    }
    Value map = Value::make_object();
    map.set("apiVersion", Value::of("v1"));
    map.set("kind", Value::of("ConfigMap"));
    Value& metadata = map.set("metadata", Value::make_object());
    metadata.set("name", Value::of(kName));
    metadata.set("namespace", Value::of(kNamespace));
    Value& data = map.set("data", Value::make_object());
    data.set("ca.crt", Value::of(info.ca_pem));
    data.set("hubs", Value::of(hubs));
    return map;
}

Result<HubInfo> read_config_map(const Value& map) {
    HubInfo info;
    info.ca_pem = map.text_at({"data", "ca.crt"});
    for (const auto line : std::views::split(map.text_at({"data", "hubs"}), '\n')) {
        const std::string_view text(line);
        if (text.empty()) {
            continue;
        }
        auto hub = net::parse_endpoint(text);
        if (!hub) {
            return fail(hub.error());
        }
        info.hubs.push_back(std::move(*hub));
    }
    if (info.ca_pem.empty() || info.hubs.empty()) {
        return fail(ErrorCode::corrupt, "ConfigMap kube-system/farhold-hub is damaged");
    }
    return info;
}

}  // namespace

Task<Result<void>> publish_hub_info(kubeapi::KubeObjects& client, HubInfo info) {
    Value map = to_config_map(info);
    auto stored = co_await client.create(kubeapi::kConfigMaps, kNamespace, map);
    if (!stored && stored.error().code() == ErrorCode::already_exists) {
        stored = co_await client.update(kubeapi::kConfigMaps, kNamespace, std::move(map));
    }
    if (!stored) {
        co_return fail(stored.error().within("publish the hub's CA"));
    }
    co_return Result<void>();
}

Task<Result<HubInfo>> read_hub_info(kubeapi::KubeObjects& client) {
    const auto found = co_await client.get(kubeapi::kConfigMaps, kNamespace, kName);
    if (!found && found.error().code() == ErrorCode::not_found) {
        co_return fail(ErrorCode::unavailable, "no cloudcore has published its hub yet");
    }
    if (!found) {
        co_return fail(found.error().within("read about the hub"));
    }
    co_return read_config_map(*found);
}

}  // namespace farhold::enrolment
