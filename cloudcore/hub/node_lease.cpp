// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/node_lease.hpp"

#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace farhold::hub {
namespace {

using json::Value;

constexpr std::string_view kLeaseNamespace = "kube-node-lease";
constexpr int kLeaseSeconds = 40;  // Kubelet's; for those who look, nobody here waits for it.
constexpr int kAttempts = 5;       // Against other hubs that want the node at the same moment.

// The cluster's garbage collector takes a Lease away whose Node is gone, or another one of its name.
void set_owner(Value& lease, const std::string& node, const std::string& node_uid) {
    lease.ensure_path({"metadata"})
        .set(
            "ownerReferences", Value::make_array({Value::make_object({
                                   {"apiVersion", Value::of("v1")},
                                   {"kind", Value::of("Node")},
                                   {"name", Value::of(node)},
                                   {"uid", Value::of(node_uid)},
                               })})
        );
}

Value new_lease(const std::string& node) {
    Value lease = Value::make_object();
    lease.set("apiVersion", Value::of("coordination.k8s.io/v1"));
    lease.set("kind", Value::of("Lease"));
    Value& metadata = lease.ensure_path({"metadata"});
    metadata.set("name", Value::of(node));
    metadata.set("namespace", Value::of(kLeaseNamespace));
    Value& spec = lease.ensure_path({"spec"});
    spec.set("holderIdentity", Value::of(node));
    spec.set("leaseDurationSeconds", Value::of(kLeaseSeconds));
    return lease;
}

Value operation(std::string_view op, std::string_view path, Value value) {
    return Value::make_object({
        {"op", Value::of(op)},
        {"path", Value::of(path)},
        {"value", std::move(value)},
    });
}

// "/metadata/annotations/farhold.io~1session-epoch"
std::string annotation_path(std::string_view name) {
    std::string path = "/metadata/annotations/";
    for (const char c : name) {
        path += c == '/' ? std::string("~1") : std::string(1, c);
    }
    return path;
}

}  // namespace

NodeLease::NodeLease(kubeapi::KubeObjects& client, const Clock& clock, std::string node)
    : client_(client), clock_(clock), node_(std::move(node)) {}

Task<Result<json::Value>> NodeLease::read() {
    co_return co_await client_.get(kubeapi::kLeases, std::string(kLeaseNamespace), node_);
}

Task<Result<Judgement>> NodeLease::take(
    tunnel::Hello hello, WallTime opened, std::string node_uid, std::uint64_t floor
) {
    const std::string ns(kLeaseNamespace);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        auto current = co_await read();
        const bool missing = !current && current.error().code() == ErrorCode::not_found;
        if (!current && !missing) {
            co_return fail(current.error());
        }
        Value lease = missing ? new_lease(node_) : std::move(*current);
        const Judgement judgement = judge(
            MachineMemory::read(lease),
            {.hello = hello, .opened = opened, .now = clock_.now().wall, .epoch_floor = floor}
        );
        if (!judgement.admitted() && !judgement.clone_is_news) {
            co_return judgement;
        }
        judgement.next.write(lease);
        set_owner(lease, node_, node_uid);
        // Its resourceVersion makes the update a compare-and-swap; a creation is one by nature.
        auto written = missing
                           ? co_await client_.create(kubeapi::kLeases, ns, std::move(lease), {})
                           : co_await client_.update(kubeapi::kLeases, ns, std::move(lease), {});
        if (written) {
            co_return judgement;
        }
        const ErrorCode code = written.error().code();
        if (code != ErrorCode::conflict && code != ErrorCode::already_exists) {
            co_return fail(written.error());
        }
    }
    co_return fail(ErrorCode::conflict, "other hubs took the lease again and again");
}

Task<event::LeaseOutcome> NodeLease::renew(std::uint64_t epoch, std::uint64_t acked_seq) {
    using event::LeaseOutcome;
    kubeapi::Patch patch{.subresource = {}, .type = kubeapi::PatchType::json, .body = {}};
    patch.body = Value::make_array({
        operation("test", annotation_path(kEpoch), Value::of(std::to_string(epoch))),
        operation("add", annotation_path(kAcked), Value::of(std::to_string(acked_seq))),
        operation(
            "add", "/spec/renewTime", Value::of(object::format_micro_time(clock_.now().wall))
        ),
    });
    const auto patched = co_await client_.patch(
        kubeapi::kLeases, std::string(kLeaseNamespace), node_, std::move(patch)
    );
    if (patched) {
        co_return LeaseOutcome::renewed;
    }
    const ErrorCode code = patched.error().code();
    if (code == ErrorCode::not_found) {
        co_return LeaseOutcome::lost;  // Somebody deleted it: the next session makes another one.
    }
    if (code != ErrorCode::invalid_argument && code != ErrorCode::conflict) {
        co_return LeaseOutcome::failed;
    }
    // The test may be what failed; the Lease says it for certain.
    const auto current = co_await read();
    const bool lost = current && MachineMemory::read(*current).epoch != epoch;
    co_return lost ? LeaseOutcome::lost : LeaseOutcome::failed;
}

}  // namespace farhold::hub
