// SPDX-License-Identifier: Apache-2.0
//
// A report of a machine on its way into Kubernetes. Lines: key, body, the object as it is there
// (empty: none). A machine writes about itself and its own pods, and nothing of spec or identity.
#include "cloudcore/hub/report_writer.hpp"
#include "common/base/ensure.hpp"
#include "common/object/metadata.hpp"
#include "common/object/patch.hpp"
#include "tests/support/fuzz_input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace farhold;
using namespace farhold::hub;

namespace {

constexpr WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 5 / 4};
const std::string kNode = "edge-1";

json::Value without_status(const json::Value& object) {
    json::Value rest = object;
    rest.erase("status");
    if (json::Value* annotations = rest.at_path({"metadata", "annotations"})) {
        annotations->erase("farhold.io/report");
    }
    return rest;
}

void check_status(const WriteStatus& write, const json::Value& current) {
    json::Value written = current;
    object::merge_patch(written, write.patch);
    ensure(json::Value::parse(write.patch.dump()).has_value(), "a patch can be sent");
    ensure(object::uid(written) == object::uid(current), "the same object");
    ensure(object::name(written) == object::name(current), "under its name");
    json::Value before = without_status(current);
    json::Value after = without_status(written);
    // The mark may have made the map that it is in.
    if (before.at_path({"metadata", "annotations"}) == nullptr) {
        before.ensure_path({"metadata", "annotations"});
        after.ensure_path({"metadata", "annotations"});
    }
    const json::Value* spec = before.find("spec");
    const json::Value* same = after.find("spec");
    ensure((spec == nullptr) == (same == nullptr), "spec is not the machine's");
    ensure(spec == nullptr || *spec == *same, "nor is anything in it");
    ensure(before.size() == after.size(), "nothing beside the status");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    tunnel::Report report;
    report.cls = static_cast<tunnel::ReportClass>(in.below(3));
    report.uid = in.flag() ? "uid-1" : "uid-2";
    report.key = in.line();
    report.body = in.line();
    const auto target = ReportTarget::parse(report);
    if (!target) {
        return 0;
    }
    if (target->kind == ReportTarget::Kind::event) {
        const views::NodeView nothing;
        if (const auto event = make_reported_event(kNode, *target, report, nothing)) {
            ensure(json::Value::parse(event->dump()).has_value(), "an event can be sent");
            ensure(object::kind(*event) == "Event", "and is one");
        }
        return 0;
    }
    std::optional<json::Value> current;
    if (auto parsed = json::Value::parse(in.rest())) {
        current = std::move(*parsed);
    }
    const WriteDecision decision = decide_write(
        kNode, *target, report, {.epoch = 3, .ordinal = 2}, current ? &*current : nullptr, kNow
    );
    if (const auto* write = std::get_if<WriteStatus>(&decision)) {
        ensure(current.has_value(), "nothing is made");
        check_status(*write, *current);
        const std::string_view owner = target->kind == ReportTarget::Kind::node_status
                                           ? object::name(*current)
                                           : current->text_at({"spec", "nodeName"});
        ensure(owner == kNode, "a machine writes about its own");
    } else if (const auto* removal = std::get_if<DeletePod>(&decision)) {
        ensure(current && removal->uid == object::uid(*current), "the pod that is there");
        ensure(current->text_at({"spec", "nodeName"}) == kNode, "of this machine");
    } else if (const auto* refusal = std::get_if<Refuse>(&decision)) {
        ensure(!refusal->reason.empty(), "a refusal says why");
    }
    return 0;
}
