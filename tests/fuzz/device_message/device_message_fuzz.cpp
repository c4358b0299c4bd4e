// SPDX-License-Identifier: Apache-2.0
//
// A message on a topic of devices, from anybody who reaches the broker. First line: the topic. Whatever
// it is, the answer is JSON on that topic's result, an error changes nothing, and what is kept can be
// read again.
#include "common/base/ensure.hpp"
#include "common/json/value.hpp"
#include "edgecore/twin/twins.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace farhold;
using namespace farhold::twin;

namespace {

const Moment kNow{
    .mono = Instant(std::chrono::seconds(1000)),
    .wall = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4},
    .trusted = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4},
};

const json::Value& device() {
    static const json::Value kDevice = *json::Value::parse(R"({"metadata":{"namespace":"default",
        "name":"lamp","uid":"u","labels":{"floor":"2"}},"spec":{"properties":[{"name":"power",
        "desired":{"value":"40"}}]}})");
    return kDevice;
}

const json::Value& model() {
    static const json::Value kModel = *json::Value::parse(R"({"spec":{"properties":[
        {"name":"power","type":"INT","accessMode":"ReadWrite","minimum":"0","maximum":"100"},
        {"name":"heat","type":"FLOAT","accessMode":"ReadOnly"}]}})");
    return kModel;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t line = std::min(input.find('\n'), input.size());
    const std::string_view topic = input.substr(0, line);
    const std::string_view payload = input.substr(std::min(line + 1, input.size()));

    Twins twins("edge-1", Random(1));
    twins.set_device(device(), &model(), kNow);
    const auto accept = [](const Report& /*report*/) { return true; };
    twins.take(kNow, accept);
    const std::string before = twins.find("default/lamp")->record().encode();
    twins.message({.topic = std::string(topic), .payload = std::string(payload)}, kNow);
    const bool refused = twins.counters().refused > 0;
    const Effects effects = twins.take(kNow, accept);
    for (const Publish& publish : effects.publishes) {
        const auto body = json::Value::parse(publish.payload);
        ensure(body.has_value() && body->is_object(), "what is published is a JSON object");
        const bool is_answer = publish.topic == std::string(topic) + "/result";
        ensure(is_answer || !refused || publish.topic.ends_with("/delta"), "an error goes back");
    }
    const std::string after = twins.find("default/lamp")->record().encode();
    ensure(!refused || before == after, "what was refused has changed nothing");
    for (const Row& row : effects.rows) {
        const auto record = DeviceRecord::decode(row.text);
        ensure(record.has_value() && record->encode() == row.text, "what is kept can be read");
    }
    return 0;
}
