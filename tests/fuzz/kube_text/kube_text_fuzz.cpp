// SPDX-License-Identifier: Apache-2.0
//
// The small texts that stand in objects, query strings, command lines and headers: what each parser
// takes has the properties that its kind promises. No second implementation, only properties.
#include "cloudcore/hub/report_writer.hpp"
#include "common/base/encoding.hpp"
#include "common/base/ensure.hpp"
#include "common/config/command_line.hpp"
#include "common/kuberest/representation.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/names.hpp"
#include "common/object/object_key.hpp"
#include "common/object/quantity.hpp"
#include "common/object/selectors.hpp"
#include "common/object/time_text.hpp"
#include "common/pki/node_identity.hpp"
#include "edgecore/security/join.hpp"
#include "tests/support/fuzz_input.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace farhold;

namespace {

json::Value labels_with(std::string_view key, std::string_view value) {
    json::Value labels = json::Value::make_object();
    labels.set(key, json::Value::of(value));
    return labels;
}

// The requirement asked of labels that hold this value, or of none.
bool answer(const object::LabelSelector::Requirement& requirement, const json::Value* labels) {
    using Operator = object::LabelSelector::Operator;
    std::string text;
    switch (requirement.op) {
        case Operator::exists:
            text = requirement.key;
            break;
        case Operator::not_exists:
            text = "!" + requirement.key;
            break;
        case Operator::greater:
            text = requirement.key + ">" + requirement.values.front();
            break;
        case Operator::less:
            text = requirement.key + "<" + requirement.values.front();
            break;
        case Operator::in:
        case Operator::not_in:
            text = requirement.key + (requirement.op == Operator::in ? " in (" : " notin (");
            for (std::size_t i = 0; i < requirement.values.size(); ++i) {
                text += (i == 0 ? "" : ",") + requirement.values[i];
            }
            text += ")";
    }
    const auto again = object::LabelSelector::parse(text);
    ensure(again && again->requirements().size() == 1, "a requirement can be written");
    return again->matches(labels);
}

void check_label_selector(std::string_view text) {
    const auto selector = object::LabelSelector::parse(text);
    if (!selector) {
        return;
    }
    const auto& requirements = selector->requirements();
    const bool without = selector->matches(nullptr);
    bool all = true;
    for (const auto& requirement : requirements) {
        ensure(!object::check_qualified_name(requirement.key), "a key is a qualified name");
        for (const std::string& value : requirement.values) {
            ensure(!object::check_label_value(value), "a value is a label's");
            const json::Value labels = labels_with(requirement.key, value);
            bool both = true;
            for (const auto& other : requirements) {
                both = answer(other, &labels) && both;
            }
            ensure(selector->matches(&labels) == both, "a comma means and");
        }
        all = answer(requirement, nullptr) && all;
    }
    ensure(without == all && (!requirements.empty() || without), "an empty one matches all");
}

void check_field_selector(std::string_view text) {
    const auto selector = object::FieldSelector::parse(text);
    if (!selector) {
        return;
    }
    for (const auto& requirement : selector->requirements()) {
        std::string escaped;
        for (const char c : requirement.value) {
            if (c == '\\' || c == ',' || c == '=') {
                escaped += '\\';
            }
            escaped += c;
        }
        const std::string written =
            requirement.path + (requirement.negated ? "!=" : "==") + escaped;
        const auto again = object::FieldSelector::parse(written);
        if (requirement.path.contains('\\')) {
            continue;  // Escapes count when terms are split, yet mean nothing in a path.
        }
        ensure(again && again->requirements().size() == 1, "a requirement can be written");
        const auto& same = again->requirements().front();
        ensure(
            same.path == requirement.path && same.value == requirement.value &&
                same.negated == requirement.negated,
            "and reads as it was"
        );
    }
}

void check_quantity(std::string_view text) {
    const auto quantity = object::Quantity::parse(text);
    if (!quantity) {
        return;
    }
    const std::string canonical = quantity->canonical();
    const auto again = object::Quantity::parse(canonical);
    ensure(again && *again == *quantity, "the canonical form is the same amount");
    ensure(again->canonical() == canonical, "and canonical");
    ensure(quantity->is_negative() == canonical.starts_with('-'), "the sign");
    const object::Quantity none = *quantity - *quantity;
    ensure(none == object::Quantity() && none.canonical() == "0", "nothing is left");
    ensure(*quantity + object::Quantity() == *quantity, "nothing is added");
    const object::Quantity whole = object::Quantity::of(quantity->value());
    ensure(quantity->is_negative() ? whole <= *quantity : whole >= *quantity, "away from zero");
    (void)quantity->milli_value();
}

void check_time(std::string_view text) {
    constexpr WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
    (void)object::human_age(text, kNow);
    const auto time = object::parse_time(text);
    if (!time) {
        return;
    }
    const auto whole = object::parse_time(object::format_time(*time));
    ensure(whole && *time - *whole >= Duration::zero(), "whole seconds, rounded down");
    ensure(*time - *whole < std::chrono::seconds(1), "by less than one");
    const auto micro = object::parse_time(object::format_micro_time(*time));
    ensure(micro && *time - *micro < std::chrono::microseconds(1), "to the microsecond");
    ensure(object::format_micro_time(*micro) == object::format_micro_time(*time), "stable");
}

void check_names(std::string_view text) {
    const auto is_plain = [&](std::string_view others) {
        return std::ranges::all_of(text, [&](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || others.contains(c);
        });
    };
    if (!object::check_dns1123_label(text)) {
        ensure(!text.empty() && text.size() <= 63 && is_plain("-"), "a label");
        ensure(!object::check_dns1123_subdomain(text), "a label is a subdomain");
        ensure(!object::check_label_value(text), "and a label's value");
        ensure(!object::check_qualified_name(text), "and a qualified name");
    }
    if (!object::check_dns1123_subdomain(text)) {
        ensure(!text.empty() && text.size() <= 253 && is_plain("-."), "a subdomain");
        ensure(!object::check_path_segment(text), "a subdomain is an element of a path");
    }
    if (!object::check_dns1035_label(text)) {
        ensure(!object::check_dns1123_label(text), "a DNS-1035 label is a DNS-1123 label");
    }
    if (!object::check_path_segment(text)) {
        ensure(text != "." && text != ".." && !text.contains('/'), "an element of a path");
    }
    if (!object::check_config_key(text)) {
        ensure(
            !text.empty() && text != ".." && !text.contains('/') && !text.contains('\0'), "a key"
        );
        ensure(text.size() <= 253, "of bounded length");
    }
    if (!object::check_label_value(text)) {
        ensure(text.size() <= 63 && !text.contains('\n') && !text.contains('\0'), "a value");
    }
    if (!object::check_env_name(text)) {
        ensure(!text.empty() && !text.contains('=') && !text.contains('\0'), "a variable");
    }
    if (!object::check_port_name(text)) {
        ensure(!text.empty() && text.size() <= 15, "a port's name");
    }
    (void)object::check_ip(text);
}

void check_encodings(std::string_view text) {
    ensure(hex_decode(hex_encode(text)) == std::string(text), "hex");
    ensure(base64_decode(base64_encode(text)) == std::string(text), "base64");
    ensure(base64url_decode(base64url_encode(text)) == std::string(text), "base64url");
    ensure(percent_decode(percent_encode(text), false) == std::string(text), "percent");
    ensure(percent_decode(percent_encode(text), true) == std::string(text), "percent in forms");
    for (const bool form : {false, true}) {
        if (const auto decoded = percent_decode(text, form)) {
            ensure(decoded->size() <= text.size(), "decoding does not grow");
        }
    }
    if (const auto decoded = hex_decode(text)) {
        ensure(decoded->size() * 2 == text.size(), "two digits a byte");
    }
    if (const auto decoded = base64_decode(text)) {
        ensure(base64_decode(base64_encode(*decoded)) == *decoded, "base64 of base64");
        ensure(decoded->size() <= text.size(), "decoding does not grow");
    }
    (void)base64url_decode(text);
}

void check_identities(std::string_view text) {
    if (const auto key = object::ObjectKey::parse(text)) {
        ensure(key->text() == text, "a key reads as it is written");
    }
    if (const auto identity = pki::parse_node_uri(text)) {
        ensure(pki::to_uri(*identity) == text, "an identity reads as it is written");
        ensure(!object::check_dns1123_subdomain(identity->node), "a node has a node's name");
    }
    if (const auto mark = hub::ReportMark::parse(text)) {
        ensure(hub::ReportMark::parse(mark->text()) == *mark, "a mark reads as it is written");
    }
    for (const auto cls : {tunnel::ReportClass::durable, tunnel::ReportClass::event}) {
        const tunnel::Report report{
            .cls = cls, .key = std::string(text), .uid = {}, .seq = 0, .body = {}
        };
        (void)hub::ReportTarget::parse(report);
    }
}

void check_addresses(std::string_view text) {
    const auto endpoint = net::parse_endpoint(text);
    if (endpoint) {
        const auto again = net::parse_endpoint(net::to_string(*endpoint));
        ensure(again && again->host == endpoint->host && again->port == endpoint->port, "the same");
        ensure(!endpoint->host.empty(), "somewhere");
    }
    if (const auto hub = security::parse_hub_url(text)) {
        ensure(text.starts_with("wss://") && !hub->host.empty(), "a hub");
    }
    if (const auto labels = security::parse_labels({std::string(text)})) {
        ensure(labels->size() == 1, "one label");
    }
}

void check_others(std::string_view text) {
    if (const auto duration = config::parse_duration(text)) {
        ensure(*duration >= Duration::zero() && !text.empty(), "a length of time");
    }
    for (const kuberest::MediaRange& range : kuberest::parse_accept(text)) {
        ensure(range.type.size() <= text.size(), "no more than was said");
    }
}

constexpr std::array kChecks = {
    check_label_selector, check_field_selector, check_quantity,  check_time,   check_names,
    check_encodings,      check_identities,     check_addresses, check_others,
};

}  // namespace

// The first byte chooses the check by its letter: 'a' is the first.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const std::size_t letter = in.byte() - std::size_t{'a'};
    kChecks.at(letter % kChecks.size())(in.rest());
    return 0;
}
