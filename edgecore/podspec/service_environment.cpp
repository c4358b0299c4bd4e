// SPDX-License-Identifier: Apache-2.0
#include "edgecore/podspec/service_environment.hpp"

#include "common/json/value.hpp"

#include <fmt/format.h>

#include <string>

namespace farhold::podspec {

namespace {

std::string in_capitals(std::string_view text) {
    std::string result(text);
    for (char& letter : result) {
        if (letter == '-') {
            letter = '_';
        } else if (letter >= 'a' && letter <= 'z') {
            letter = static_cast<char>(letter - 'a' + 'A');
        }
    }
    return result;
}

std::string in_small_letters(std::string_view text) {
    std::string result(text);
    for (char& letter : result) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return result;
}

}  // namespace

void add_service_environment(
    std::string_view name, std::string_view content, KeyedData& variables
) {
    const auto service = json::Value::parse(content);
    if (!service) return;
    const std::string ip(service->text_at({"spec", "clusterIP"}));
    const json::Array& ports = service->elements_at({"spec", "ports"});
    if (ip.empty() || ip == "None" || ports.empty()) return;
    const std::string prefix = in_capitals(name);
    const auto set = [&](const std::string& variable, std::string value) {
        variables.insert_or_assign(variable, std::move(value));
    };
    const std::string host = ip.contains(':') ? "[" + ip + "]" : ip;
    bool is_first = true;
    set(prefix + "_SERVICE_HOST", ip);
    for (const json::Value& port : ports) {
        const std::string number = std::to_string(port.integer_at({"port"}));
        const std::string protocol(port.text_at({"protocol"}, "TCP"));
        const std::string small = in_small_letters(protocol);
        const std::string url = fmt::format("{}://{}:{}", small, host, number);
        if (is_first) {
            set(prefix + "_SERVICE_PORT", number);
            set(prefix + "_PORT", url);
            is_first = false;
        }
        if (const std::string_view named = port.text_at({"name"}); !named.empty()) {
            set(prefix + "_SERVICE_PORT_" + in_capitals(named), number);
        }
        const std::string link =
            fmt::format("{}_PORT_{}_{}", prefix, number, in_capitals(protocol));
        set(link, url);
        set(link + "_PROTO", small);
        set(link + "_PORT", number);
        set(link + "_ADDR", ip);
    }
}

}  // namespace farhold::podspec
