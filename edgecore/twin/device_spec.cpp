// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/device_spec.hpp"

#include "common/object/metadata.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace farhold::twin {
namespace {

using json::Value;

std::string lower(std::string_view text) {
    std::string small(text);
    std::ranges::transform(small, small.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return small;
}

void read_rules(const Value& model, DeviceSpec& spec) {
    for (const Value& property : model.elements_at({"spec", "properties"})) {
        const std::string_view type = property.text_at({"type"});
        const auto known = devices::parse_value_type(type);
        const std::string name(property.text_at({"name"}));
        if (!known) {
            spec.unserved.push_back(
                {"UnknownType", "property " + name + " has a type that is not known"}
            );
        }
        spec.rules.insert_or_assign(
            name,
            devices::ValueRule{
                .type = known.value_or(devices::ValueType::text),
                .type_name = type.empty() ? "string" : lower(type),
                .read_only = property.text_at({"accessMode"}) == "ReadOnly",
                .minimum = std::string(property.text_at({"minimum"})),
                .maximum = std::string(property.text_at({"maximum"})),
            }
        );
    }
}

std::int64_t parse_ms(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number > 0 ? number : 0;
}

Result<> may_be_desired(const DeviceSpec& spec, const std::string& name, const std::string& value) {
    const devices::ValueRule* rule = spec.rule_of(name);
    if (rule == nullptr) return {};
    if (rule->read_only) return fail(ErrorCode::invalid_argument, "the property is ReadOnly");
    return devices::check_value(*rule, value);
}

void read_desired(const Value& property, DeviceSpec& spec) {
    const Value* desired = property.find("desired");
    const std::string name(property.text_at({"name"}));
    if (desired == nullptr || name.empty()) return;
    const std::string value(desired->text_at({"value"}));
    if (value.empty()) return;
    if (const auto fits = may_be_desired(spec, name, value); !fits) {
        spec.rejected.insert_or_assign(name, fits.error().message());
        return;
    }
    DesiredSpec one{
        .value = value,
        .mark = desired->dump(),
        .at_ms = parse_ms(desired->text_at({"metadata", "timestamp"})),
    };
    spec.desired.insert_or_assign(name, std::move(one));
}

// What mappers of KubeEdge may be told to do with values themselves; ours only come by MQTT.
void read_push_methods(const Value& property, DeviceSpec& spec) {
    const Value* push = property.find("pushMethod");
    if (push == nullptr || !push->is_object()) return;
    for (const json::Member& member : push->object()) {
        if (member.value.empty()) continue;
        spec.unserved.push_back(
            {"PushMethodNotServed", "property " + std::string(property.text_at({"name"})) +
                                        ": pushMethod." + member.key + " is not served"}
        );
    }
}

void read_protocol(const Value& device, DeviceSpec& spec) {
    const std::string_view protocol = device.text_at({"spec", "protocol", "protocolName"});
    const std::string small = lower(protocol);
    if (small.empty() || small == "mqtt" || small.starts_with("custom")) return;
    spec.unserved.push_back(
        {"ProtocolNotServed", "protocol " + std::string(protocol) +
                                  " is not spoken here: a program of yours may bring its values to "
                                  "the device's MQTT topics"}
    );
}

void read_rule(const Value& device, DeviceSpec& spec) {
    const auto text = object::annotation(device, kConflictAnnotation).value_or("newest");
    if (text == "cloud") {
        spec.rule = ConflictRule::cloud;
    } else if (text == "machine") {
        spec.rule = ConflictRule::machine;
    } else if (text != "newest") {
        spec.unserved.push_back(
            {"UnknownConflictRule", "annotation " + std::string(kConflictAnnotation) +
                                        " must be newest, cloud or machine; newest is used"}
        );
    }
}

}  // namespace

std::string_view to_string(ConflictRule rule) {
    if (rule == ConflictRule::cloud) return "cloud";
    return rule == ConflictRule::machine ? "machine" : "newest";
}

const devices::ValueRule* DeviceSpec::rule_of(std::string_view property) const {
    const auto found = rules.find(std::string(property));
    return found == rules.end() ? nullptr : &found->second;
}

DeviceSpec read_device_spec(const json::Value& device, const json::Value* model) {
    DeviceSpec spec;
    spec.uid = object::uid(device);
    spec.name = object::name(device);
    spec.description = object::label(device, "description").value_or("");
    if (const Value* labels = object::labels(device)) {
        for (const json::Member& label : labels->object()) {
            spec.attributes.insert_or_assign(
                label.key, std::string(label.value.string().value_or(""))
            );
        }
    }
    read_rule(device, spec);
    read_protocol(device, spec);
    const std::string_view model_name = device.text_at({"spec", "deviceModelRef", "name"});
    if (model != nullptr) {
        read_rules(*model, spec);
    } else if (!model_name.empty()) {
        spec.unserved.push_back(
            {"ModelNotFound",
             "DeviceModel " + std::string(model_name) + " is not there: values are not checked"}
        );
    }
    for (const Value& property : device.elements_at({"spec", "properties"})) {
        read_desired(property, spec);
        read_push_methods(property, spec);
    }
    return spec;
}

}  // namespace farhold::twin
