// SPDX-License-Identifier: Apache-2.0
//
// Pods for tests, from JSON.
#pragma once

#include "common/base/ensure.hpp"
#include "common/json/value.hpp"
#include "edgecore/podspec/pod_spec.hpp"

#include <string>
#include <utility>

namespace farhold::podspec::test {

inline Result<PodSpec> try_parse(const std::string& text, std::string uid = "uid-1") {
    const auto json = json::Value::parse(text);
    ensure(json.has_value(), "the test's pod is JSON");
    return parse_pod(*json, std::move(uid));
}

inline PodSpec parse(const std::string& text) {
    auto spec = try_parse(text);
    ensure(spec.has_value(), "the test's pod parses");
    return std::move(*spec);
}

// A pod of one container "main"; `container` and `spec` add members.
inline std::string pod(const std::string& container = "", const std::string& spec = "") {
    return R"({"metadata":{"name":"hello","namespace":"default","labels":{"b":"2","a":"1"},
               "annotations":{"note":"say \"hi\"\n"}},"spec":{)" +
           spec + R"("containers":[{"name":"main",)" + container + R"("image":"img:1"}]}})";
}

}  // namespace farhold::podspec::test
