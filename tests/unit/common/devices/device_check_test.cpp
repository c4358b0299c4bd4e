// SPDX-License-Identifier: Apache-2.0
#include "common/devices/device_check.hpp"

#include "tests/support/catch.hpp"

#include <string>

namespace farhold::devices {
namespace {

std::string complaints(std::string_view property, std::string_view value) {
    static const json::Value model = json::Value::parse(R"({"spec":{"properties":[
        {"name":"level","type":"INT","accessMode":"ReadWrite","minimum":"-5","maximum":"100"},
        {"name":"ratio","type":"DOUBLE","maximum":"1.5"},
        {"name":"on","type":"BOOLEAN"},
        {"name":"label","type":"STRING","minimum":"7"},
        {"name":"seen","type":"INT","accessMode":"ReadOnly"},
        {"name":"odd","type":"INT","minimum":"none"},
        {"name":"untyped"}]}})")
                                         .value();
    json::Value device = json::Value::make_object();
    json::Value wanted = json::Value::make_object();
    wanted.set("name", json::Value::of(property));
    wanted.ensure_path({"desired", "value"}) = json::Value::of(value);
    device.ensure_path({"spec", "properties"}) = json::Value::make_array({wanted});
    std::string text;
    for (const Misfit& misfit : check_device(device, model)) {
        text += misfit.field + ": " + misfit.detail;
    }
    constexpr std::string_view kField = "spec.properties[0].desired.value: ";
    return text.starts_with(kField) ? text.substr(kField.size()) : text;
}

}  // namespace

TEST_CASE("device_check: values are judged by type, bounds and access", "[devices]") {
    CHECK(complaints("level", "30").empty());
    CHECK(complaints("level", "-5").empty());
    CHECK(complaints("level", "-6") == "must not be less than -5");
    CHECK(complaints("level", "101") == "must not be more than 100");
    CHECK(complaints("level", "9223372036854775807") == "must not be more than 100");
    CHECK(complaints("level", "9223372036854775808") == "must be a whole number");
    CHECK(complaints("level", "3.0") == "must be a whole number");
    CHECK(complaints("ratio", "1.5").empty());
    CHECK(complaints("ratio", "1.5e3") == "must not be more than 1.5");
    CHECK(complaints("ratio", "nan") == "must be a number");
    CHECK(complaints("on", "true").empty());
    CHECK(complaints("on", "TRUE") == "must be true or false");
    CHECK(complaints("label", "1").empty());
    CHECK(complaints("seen", "1") == "the property is ReadOnly");
}

TEST_CASE("device_check: what the model does not say is not judged", "[devices]") {
    CHECK(complaints("unknown", "x").empty());
    CHECK(complaints("untyped", "x").empty());
    CHECK(complaints("odd", "1").empty());
    CHECK(complaints("level", "").empty());
    CHECK(check_device(json::Value::make_object(), json::Value::make_object()).empty());
}

}  // namespace farhold::devices
