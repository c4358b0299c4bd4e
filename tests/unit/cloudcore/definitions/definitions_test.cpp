// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/definitions/bring_definitions.hpp"
#include "cloudcore/definitions/manifests.hpp"
#include "common/object/metadata.hpp"
#include "common/yaml/parse_yaml.hpp"
#include "tests/support/embedded_api.hpp"

#include <string>

namespace farhold::definitions {
namespace {

const kubeapi::ResourceRef kDevices{"devices.kubeedge.io", "v1beta1", "devices"};
const kubeapi::ResourceRef kModels{"devices.kubeedge.io", "v1beta1", "devicemodels"};

json::Value parsed(const std::string& yaml) {
    return yaml::parse(yaml).value();
}

json::Value model() {
    return parsed(R"(
apiVersion: devices.kubeedge.io/v1beta1
kind: DeviceModel
metadata: {name: thermostat}
spec:
  properties:
    - {name: level, type: INT, accessMode: ReadWrite, minimum: "0", maximum: "100"}
    - {name: seen, type: INT, accessMode: ReadOnly}
)");
}

json::Value device(const std::string& property, const std::string& value) {
    json::Value object = parsed(R"(
apiVersion: devices.kubeedge.io/v1beta1
kind: Device
metadata: {name: t1}
spec:
  deviceModelRef: {name: thermostat}
  nodeName: edge-1
  properties:
    - name: level
      desired: {value: ""}
)");
    json::Value& wanted = object.at_path({"spec", "properties"})->array().front();
    wanted.set("name", json::Value::of(property));
    wanted.ensure_path({"desired", "value"}) = json::Value::of(value);
    return object;
}

std::string message(const Result<json::Value>& result) {
    return result ? "taken" : result.error().message();
}

}  // namespace

TEST_CASE("yaml: scalars are what they look like unless they are quoted", "[definitions]") {
    CHECK(
        parsed("{a: 1, b: '1', c: true, d: \"true\", e: ~, f: text, g: [1.50, -2], h: }").dump() ==
        R"({"a":1,"b":"1","c":true,"d":"true","e":null,"f":"text","g":[1.50,-2],"h":null})"
    );
    CHECK_FALSE(yaml::parse("{a: 1, a: 2}"));
    CHECK_FALSE(yaml::parse("{[1]: 2}"));
    CHECK_FALSE(yaml::parse("a: [1"));
}

TEST_CASE(
    "definitions: the chart's kinds are brought, and kept as they should be", "[definitions]"
) {
    CHECK(manifests().size() == 3);
    apiserver::with_client([](kubeapi::KubeClient& client) -> Task<> {
        REQUIRE(co_await bring_definitions(client));
        kubeapi::Patch patch;
        patch.type = kubeapi::PatchType::merge;
        patch.body = json::Value::parse(R"({"spec":{"names":{"shortNames":["x"]}}})").value();
        const std::string name = "devices.devices.kubeedge.io";
        const auto changed =
            co_await client.patch(kubeapi::kCustomResourceDefinitions, "", name, std::move(patch));
        REQUIRE(changed);
        REQUIRE(co_await bring_definitions(client));
        const auto kept = co_await client.get(kubeapi::kCustomResourceDefinitions, "", name);
        REQUIRE(kept);
        CHECK(kept->at_path({"spec", "names", "shortNames"})->dump() == R"(["dev"])");
        REQUIRE(co_await bring_definitions(client));
        const auto again = co_await client.get(kubeapi::kCustomResourceDefinitions, "", name);
        REQUIRE(again);
        CHECK(object::resource_version(*again) == object::resource_version(*kept));
    });
}

TEST_CASE(
    "devices: values that break the model are refused with the field named", "[definitions]"
) {
    apiserver::with_client([](kubeapi::KubeClient& client) -> Task<> {
        REQUIRE(co_await bring_definitions(client));
        const auto early = co_await client.create(kDevices, "default", device("level", "7000"), "");
        CHECK(message(early) == "taken");
        REQUIRE(co_await client.remove(kDevices, "default", "t1", {}));
        REQUIRE(co_await client.create(kModels, "default", model(), ""));

        const auto high = co_await client.create(kDevices, "default", device("level", "101"), "");
        CHECK(
            message(high) ==
            "Device.devices.kubeedge.io \"t1\" is invalid: spec.properties[0].desired.value: "
            "Invalid value: \"101\": must not be more than 100"
        );
        const auto text = co_await client.create(kDevices, "default", device("level", "x"), "");
        CHECK(message(text).ends_with("Invalid value: \"x\": must be a whole number"));
        const auto read = co_await client.create(kDevices, "default", device("seen", "1"), "");
        CHECK(message(read).ends_with("Invalid value: \"1\": the property is ReadOnly"));

        auto good = co_await client.create(kDevices, "default", device("level", "100"), "");
        REQUIRE(good);
        good->at_path({"spec", "properties"})->array().front().ensure_path({"desired", "value"}) =
            json::Value::of("-1");
        const auto low = co_await client.update(kDevices, "default", *good, "");
        CHECK(message(low).ends_with("must not be less than 0"));
    });
}

TEST_CASE(
    "devices: what was right when it was set does not keep its status away", "[definitions]"
) {
    apiserver::with_client([](kubeapi::KubeClient& client) -> Task<> {
        REQUIRE(co_await bring_definitions(client));
        REQUIRE(co_await client.create(kDevices, "default", device("level", "7000"), ""));
        REQUIRE(co_await client.create(kModels, "default", model(), ""));
        kubeapi::Patch patch;
        patch.type = kubeapi::PatchType::merge;
        patch.body = json::Value::parse(R"({"status":{"state":"online"}})").value();
        const auto told = co_await client.patch(kDevices, "default", "t1", std::move(patch));
        CHECK(message(told) == "taken");
    });
}

}  // namespace farhold::definitions
