// SPDX-License-Identifier: Apache-2.0
//
// Pods with volumes for tests, from JSON.
#pragma once

#include "common/base/ensure.hpp"
#include "common/json/value.hpp"
#include "edgecore/podspec/pod_spec.hpp"
#include "edgecore/podspec/references.hpp"

#include <memory>
#include <string>
#include <utility>

namespace farhold::volumes::test {

inline podspec::PodSpec pod(
    const std::string& volumes, const std::string& spec = "", const std::string& mounts = ""
) {
    const auto json = json::Value::parse(
        R"({"metadata":{"name":"hello","namespace":"default","labels":{"a":"1"}},"spec":{)" + spec +
        R"("volumes":[)" + volumes + R"(],"containers":[{"name":"main","image":"i:1",
        "volumeMounts":[)" +
        mounts + "]}]}}"
    );
    ensure(json.has_value(), "the test's pod is JSON");
    auto parsed = podspec::parse_pod(*json, "uid-1");
    ensure(parsed.has_value(), "the test's pod parses");
    return std::move(*parsed);
}

inline podspec::References references(podspec::KeyedData map, podspec::KeyedData secret = {}) {
    podspec::References result;
    result.complete = true;
    result.config_maps.emplace("m", std::make_shared<const podspec::KeyedData>(std::move(map)));
    result.secrets.emplace("s", std::make_shared<const podspec::KeyedData>(std::move(secret)));
    return result;
}

}  // namespace farhold::volumes::test
