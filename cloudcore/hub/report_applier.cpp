// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/report_applier.hpp"

#include <optional>
#include <utility>
#include <variant>

namespace farhold::hub {
namespace {

using Kind = ApplyOutcome::Kind;

AppliedReport outcome(Kind kind, std::string reason = {}) {
    return {.outcome = {.kind = kind, .reason = std::move(reason)}};
}

AppliedReport refused(std::string reason, bool gone) {
    return {.outcome = {.kind = Kind::refused, .reason = std::move(reason), .gone = gone}};
}

// Whether an error is Kubernetes' last word about this report. Permissions may come back, conflicts
// pass, servers return; what is not valid or not there stays so.
AppliedReport failed(const Error& error) {
    const ErrorCode code = error.code();
    if (code == ErrorCode::not_found || code == ErrorCode::invalid_argument) {
        return refused(error.message(), code == ErrorCode::not_found);
    }
    return outcome(Kind::retry, error.message());
}

// Of a decision by which nothing is written.
std::optional<AppliedReport> without_write(
    const WriteDecision& decision, const tunnel::Report& report
) {
    if (const auto* refuse = std::get_if<Refuse>(&decision)) {
        return refused(refuse->reason, refuse->gone);
    }
    if (const auto* fenced = std::get_if<Fenced>(&decision)) {
        AppliedReport result = outcome(Kind::fenced, report.key + " was reported by a newer one");
        result.newer_epoch = fenced->epoch;
        return result;
    }
    if (std::holds_alternative<Superseded>(decision)) return outcome(Kind::superseded);
    if (std::holds_alternative<NothingToDo>(decision)) {
        AppliedReport nothing = outcome(Kind::written);
        nothing.outcome.unchanged = true;
        return nothing;
    }
    return std::nullopt;
}

Task<AppliedReport> create_event(
    kubeapi::KubeObjects& client, const views::NodeView& view, std::string node,
    ReportTarget target, tunnel::Report report
) {
    auto event = make_reported_event(node, target, report, view);
    if (!event) {
        const bool gone = event.error().code() == ErrorCode::not_found;
        co_return refused(event.error().message(), gone);
    }
    json::Value copy = *event;
    const auto created = co_await client.create(kubeapi::kEvents, target.ns, std::move(copy), {});
    if (created) {
        co_return outcome(Kind::written);
    }
    if (created.error().code() != ErrorCode::already_exists) {
        co_return failed(created.error());
    }
    // It has happened again: same name, higher count.
    kubeapi::Patch patch{
        .subresource = {}, .type = kubeapi::PatchType::merge, .body = std::move(*event)
    };
    patch.body.erase("metadata");
    const auto patched =
        co_await client.patch(kubeapi::kEvents, target.ns, target.name, std::move(patch));
    co_return patched ? outcome(Kind::written) : failed(patched.error());
}

Task<AppliedReport> delete_pod(kubeapi::KubeObjects& client, ReportTarget target, DeletePod pod) {
    kubeapi::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.uid = std::move(pod.uid);
    const auto removed =
        co_await client.remove(kubeapi::kPods, target.ns, target.name, std::move(options));
    if (!removed && removed.error().code() != ErrorCode::not_found) {
        // A conflict is about the uid: read again, the pod of that uid is gone then.
        co_return failed(removed.error());
    }
    co_return outcome(Kind::written);
}

std::string key_text(const ReportTarget& target, const char* kind) {
    return object::ObjectKey{kind, target.ns, target.name}.text();
}

Task<AppliedReport> write_device(
    kubeapi::KubeObjects& client, kubeapi::ResourceRef resource, ReportTarget target,
    WriteDecision decision
) {
    if (auto* create = std::get_if<CreateObject>(&decision)) {
        const auto created =
            co_await client.create(resource, target.ns, std::move(create->object), {});
        // One that was made meanwhile is there to be read the next time.
        const bool again = !created && created.error().code() == ErrorCode::already_exists;
        if (again) co_return outcome(Kind::retry, created.error().message());
        co_return created ? outcome(Kind::written) : failed(created.error());
    }
    if (auto* remove = std::get_if<RemoveObject>(&decision)) {
        kubeapi::DeleteOptions options;
        options.uid = std::move(remove->uid);
        const auto removed =
            co_await client.remove(resource, target.ns, target.name, std::move(options));
        const bool gone = removed || removed.error().code() == ErrorCode::not_found;
        co_return outcome(
            Kind::retry, gone ? "it was another device's" : removed.error().message()
        );
    }
    auto& write = std::get<WriteStatus>(decision);
    kubeapi::Patch patch{
        .subresource = {}, .type = kubeapi::PatchType::merge, .body = std::move(write.patch)
    };
    const auto written = co_await client.patch(resource, target.ns, target.name, std::move(patch));
    co_return written ? outcome(Kind::written) : failed(written.error());
}

Task<AppliedReport> apply_device_report(
    kubeapi::KubeObjects& client, WallTime now, const views::NodeView& view, std::string node,
    ReportMark mark, ReportTarget target, tunnel::Report report
) {
    const views::ViewObjectPtr device = view.find({"Device", target.ns, target.name});
    if (device == nullptr || device->uid != report.uid) {
        co_return refused(key_text(target, "Device") + " is not there, or another node's", true);
    }
    const bool is_state = target.kind == ReportTarget::Kind::device_state;
    const kubeapi::ResourceRef resource = is_state ? kubeapi::kDevices : kubeapi::kDeviceStatuses;
    const auto current = co_await client.get(resource, target.ns, target.name);
    if (!current && current.error().code() != ErrorCode::not_found) {
        co_return outcome(Kind::retry, current.error().message());
    }
    WriteDecision decision =
        decide_device_write(node, target, report, mark, current ? &*current : nullptr, now);
    if (auto idle = without_write(decision, report)) co_return std::move(*idle);
    co_return co_await write_device(client, resource, std::move(target), std::move(decision));
}

}  // namespace

Task<AppliedReport> apply_report(
    kubeapi::KubeObjects& client, const Clock& clock, const views::NodeView& view, std::string node,
    ReportMark mark, tunnel::Report report, std::optional<KubeletEndpoint> kubelet
) {
    auto target = ReportTarget::parse(report);
    if (!target) {
        co_return refused(target.error().message(), false);
    }
    target->kubelet = std::move(kubelet);
    if (target->kind == ReportTarget::Kind::event) {
        co_return co_await create_event(
            client, view, std::move(node), std::move(*target), std::move(report)
        );
    }
    if (target->kind == ReportTarget::Kind::device_status ||
        target->kind == ReportTarget::Kind::device_state) {
        co_return co_await apply_device_report(
            client, clock.now().wall, view, std::move(node), mark, std::move(*target),
            std::move(report)
        );
    }
    const bool about_node = target->kind == ReportTarget::Kind::node_status;
    const kubeapi::ResourceRef resource = about_node ? kubeapi::kNodes : kubeapi::kPods;
    const auto current = co_await client.get(resource, target->ns, target->name);
    if (!current && current.error().code() != ErrorCode::not_found) {
        co_return outcome(Kind::retry, current.error().message());
    }
    WriteDecision decision =
        decide_write(node, *target, report, mark, current ? &*current : nullptr, clock.now().wall);
    if (auto idle = without_write(decision, report)) co_return std::move(*idle);
    if (auto* pod = std::get_if<DeletePod>(&decision)) {
        co_return co_await delete_pod(client, std::move(*target), std::move(*pod));
    }
    auto& write = std::get<WriteStatus>(decision);
    kubeapi::Patch patch{
        .subresource = "status",
        .type = kubeapi::PatchType::merge,
        .body = std::move(write.patch),
    };
    const auto written =
        co_await client.patch(resource, target->ns, target->name, std::move(patch));
    co_return written ? outcome(Kind::written) : failed(written.error());
}

}  // namespace farhold::hub
