// SPDX-License-Identifier: Apache-2.0
//
// A request body of either form on its way to the store. Text with a line break is an object and a
// patch of it.
#include "common/base/ensure.hpp"
#include "common/kubeproto/decode.hpp"
#include "common/kubeschema/registry.hpp"
#include "common/kubeschema/writes.hpp"
#include "common/object/patch.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold;

namespace {

const kubeschema::ResourceType& pod_type() {
    static const auto type = kubeschema::Registry::built_in().find("", "v1", "pods");
    return *type;
}

// What was accepted once is accepted again, and comes out the same.
void write_pod(json::Value pod) {
    std::vector<std::string> unknown;
    if (!kubeschema::conform(pod_type(), pod, unknown)) {
        return;
    }
    kubeschema::apply_defaults(pod_type(), pod);
    kubeschema::prepare_create(pod_type(), pod);
    (void)kubeschema::validate_create(pod_type(), pod);
    json::Value again = pod;
    unknown.clear();
    ensure(kubeschema::conform(pod_type(), again, unknown).has_value(), "a stored pod conforms");
    kubeschema::apply_defaults(pod_type(), again);
    ensure(unknown.empty() && again == pod, "writing a pod twice changes nothing");
    (void)kubeschema::validate_update(pod_type(), again, pod, kubeschema::Part::main);
    (void)pod_type().cells(pod, {});
}

void patch_pod(const json::Value& pod, const json::Value& patch) {
    json::Value merged = pod;
    object::merge_patch(merged, patch);
    write_pod(std::move(merged));
    json::Value patched = pod;
    if (object::json_patch(patched, patch)) {
        write_pod(std::move(patched));
    }
    json::Value strategic = pod;
    if (object::strategic_merge_patch(strategic, patch, *pod_type().message)) {
        write_pod(std::move(strategic));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    if (const auto envelope = kubeproto::open_envelope(body)) {
        if (auto pod = kubeproto::decode_message(envelope->raw, *pod_type().message)) {
            write_pod(std::move(*pod));
        }
        return 0;
    }
    const auto end = body.find('\n');
    auto pod = json::Value::parse(body.substr(0, end));
    if (!pod) {
        return 0;
    }
    const auto again = json::Value::parse(pod->dump());
    ensure(again.has_value() && *again == *pod, "what was written can be read");
    if (end != std::string_view::npos) {
        if (const auto patch = json::Value::parse(body.substr(end + 1))) {
            patch_pod(*pod, *patch);
        }
    }
    write_pod(std::move(*pod));
    return 0;
}
