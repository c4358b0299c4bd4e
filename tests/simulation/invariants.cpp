// SPDX-License-Identifier: Apache-2.0
#include "invariants.hpp"

#include "cloudcore/views/pod_references.hpp"
#include "common/object/metadata.hpp"
#include "common/tunnel/content.hpp"
#include "common/tunnel/messages.hpp"
#include "fleet.hpp"

#include <algorithm>
#include <map>

namespace farhold::simulation {
namespace {

using pods::ContainerState;

// Frames of one direction at once: full windows of batches and reports, their answers, and pings.
constexpr std::size_t kFramesMax = 256;
constexpr std::size_t kBytesMax =
    tunnel::kBatchWindowBytes + tunnel::kReportWindowBytes + tunnel::kFrameBytesMax;
constexpr std::size_t kWaitingCommitsMax = 1000;

// What the node is to have, from nothing but the objects in the API server.
std::map<object::ObjectKey, ObjectPtr> view_in_truth(
    const ApiServer& api, const std::string& node
) {
    std::map<object::ObjectKey, ObjectPtr> view;
    const auto add = [&](const object::ObjectKey& key) {
        const auto found = api.objects().find(key);
        if (found != api.objects().end()) {
            view.insert(*found);
        }
    };
    add(object::ObjectKey{"Node", "", node});
    for (const ObjectPtr& pod : api.of_kind("Pod")) {
        if (pod->text_at({"spec", "nodeName"}) == node) {
            add(object::ObjectKey::of(*pod));
            for (const object::ObjectKey& key : views::references_of_pod(*pod)) {
                add(key);
            }
        }
    }
    return view;
}

// Every store equals its view.
std::string compare_store(const ApiServer& api, const Fleet::Machine& machine) {
    const auto view = view_in_truth(api, machine.parts.name);
    const auto& rows = machine.parts.disk.desired();
    for (const auto& [key, object] : view) {
        const auto row = rows.find(key);
        if (row == rows.end()) {
            return key.text() + " is missing in the store";
        }
        if (row->second.uid != object::uid(*object)) {
            return key.text() + " has another uid in the store";
        }
        if (row->second.hash != tunnel::make_content(*object).hash) {
            return key.text() + " has another content in the store";
        }
    }
    for (const auto& [key, row] : rows) {
        if (!view.contains(key)) {
            return key.text() + " is in the store and not in the view";
        }
    }
    return {};
}

// Every wanted pod runs or has finished, and the cluster knows it.
std::string compare_pod(const json::Value& pod, const SimRuntime& runtime) {
    const std::string name(object::name(pod));
    if (object::is_deleting(pod)) {
        return name + " is still being deleted";
    }
    const std::string_view phase = pod.text_at({"status", "phase"});
    if (pod.text_at({"spec", "restartPolicy"}) != "Always") {
        return phase == "Succeeded" ? "" : fmt::format("{} is {}", name, phase);
    }
    const auto state = runtime.pods().find(std::string(object::uid(pod)));
    const bool runs = state != runtime.pods().end() &&
                      std::ranges::any_of(state->second.containers, [](const auto& container) {
                          return container.state == ContainerState::running;
                      });
    if (!runs || phase != "Running") {
        return fmt::format("{} {} and is {}", name, runs ? "runs" : "does not run", phase);
    }
    return {};
}

std::string compare_pods(const ApiServer& api, const Fleet::Machine& machine) {
    std::set<std::string> wanted;
    for (const ObjectPtr& pod : api.of_kind("Pod")) {
        if (pod->text_at({"spec", "nodeName"}) == machine.parts.name) {
            wanted.emplace(object::uid(*pod));
            if (std::string differs = compare_pod(*pod, machine.parts.runtime); !differs.empty()) {
                return differs;
            }
        }
    }
    for (const auto& [uid, state] : machine.parts.runtime.pods()) {
        if (!wanted.contains(uid)) {
            return "pod " + uid + " is unwanted and still there";
        }
    }
    return {};
}

// Every pod that runs has a token on the disk, one that is not overdue.
std::string compare_tokens(const ApiServer& api, const Fleet::Machine& machine) {
    constexpr Duration kUnderWay = std::chrono::minutes(2);
    const WallTime now = machine.process->trusted_time();
    for (const ObjectPtr& pod : api.of_kind("Pod")) {
        const std::string uid(object::uid(*pod));
        const auto memory = machine.parts.disk.memory().find(uid);
        if (pod->text_at({"spec", "nodeName"}) != machine.parts.name ||
            pod->text_at({"status", "phase"}) != "Running") {
            continue;
        }
        if (memory == machine.parts.disk.memory().end()) {
            return uid + " is not remembered";
        }
        const auto tokens = pods::decode_memory(memory->second).value().tokens;
        if (tokens.empty() || tokens.begin()->second.token != uid) {
            return uid + " has no token";
        }
        if (tokens.begin()->second.refresh_at + kUnderWay < now) {
            return uid + " has a token that is overdue";
        }
    }
    return {};
}

// Every last durable report has arrived, or its pod is gone.
std::string compare_reports(Fleet& fleet) {
    for (const auto& [key, durable] : fleet.world().ledger.durable()) {
        if (!key.starts_with("PodStatus/")) {
            continue;
        }
        const auto target = object::ObjectKey::parse(key);
        const auto pod = fleet.api().get(object::ObjectKey{"Pod", target->ns, target->name});
        if (pod && object::uid(**pod) == durable.uid &&
            (*pod)->integer_at({"status", "order"}) < durable.order) {
            return key + " has not arrived";
        }
    }
    return {};
}

}  // namespace

void check_single_instance(
    World& world, const std::string& node, const std::string& pod_uid,
    const pods::Observation& state
) {
    if (std::ranges::count_if(state.sandboxes, &pods::ObservedSandbox::ready) > 1) {
        world.violate("single_instance", fmt::format("{}: two sandboxes of {}", node, pod_uid));
    }
    std::map<std::string, int> running;
    for (const pods::ObservedContainer& container : state.containers) {
        if (container.state == ContainerState::running && ++running[container.name] > 1) {
            world.violate(
                "single_instance", fmt::format("{}: two containers of {}", node, pod_uid)
            );
        }
    }
}

void check_stop(
    World& world, const std::string& node, const std::string& pod_uid,
    const pods::Observation& state, const pods::ObservedContainer& container
) {
    const auto sandbox =
        std::ranges::find(state.sandboxes, container.sandbox_id, &pods::ObservedSandbox::id);
    const bool works = container.state == ContainerState::running &&
                       sandbox != state.sandboxes.end() && sandbox->ready;
    if (works && !world.ledger.replacement_allowed(pod_uid)) {
        world.violate("nothing_stopped_on_doubt", fmt::format("{}: pod {}", node, pod_uid));
    }
}

void check_removal(
    World& world, const std::string& node, const object::ObjectKey& key, const std::string& uid
) {
    if (key.kind == "Pod" && !world.ledger.stop_allowed(uid)) {
        world.violate(
            "nothing_deleted_on_doubt", fmt::format("{}: {} ({})", node, key.text(), uid)
        );
    }
}

void check_no_clone(World& world, const std::string& node, const hub::Judgement& judgement) {
    if (judgement.clone_is_news) {
        world.violate("no_clone_imagined", node + " is taken for two machines");
    }
}

void check_own_view(World& world, const std::string& node, const store::DesiredRow& row) {
    if (!world.ledger.read_allowed(node, row.key, row.uid)) {
        world.violate("own_view_only", fmt::format("{} holds {}", node, row.key.text()));
    }
}

void check_startable(
    World& world, const std::string& node, const store::DesiredState& desired,
    const store::StoreBatch& batch
) {
    const auto comes = [&batch](const object::ObjectKey& key) {
        return std::ranges::find(batch.upserts, key, &store::DesiredRow::key) !=
               batch.upserts.end();
    };
    const auto goes = [&batch](const object::ObjectKey& key) {
        return std::ranges::find(batch.removals, key) != batch.removals.end();
    };
    for (const store::DesiredRow& row : batch.upserts) {
        const store::DesiredRow* before = desired.find(row.key);
        const bool is_new = before == nullptr || before->uid != row.uid;
        if (row.key.kind != "Pod" || !is_new ||
            object::is_deleting(json::Value::parse(*row.content).value())) {
            continue;
        }
        for (const object::ObjectKey& key : world.ledger.needed_to_start(row.uid)) {
            if (!comes(key) && (goes(key) || desired.find(key) == nullptr)) {
                world.violate(
                    "startable", fmt::format("{}: {} without {}", node, row.key.text(), key.text())
                );
            }
        }
    }
}

void check_monotone(
    World& world, const std::string& report, const std::string& uid, std::int64_t order
) {
    if (!world.ledger.report_written(report, uid, order, world.now())) {
        world.violate("no_key_goes_backwards", fmt::format("{} to {}", report, order));
    }
}

void check_under_way(
    World& world, const std::string& connection, std::size_t frames, std::size_t bytes
) {
    if (frames > kFramesMax || bytes > kBytesMax) {
        world.violate("bounded", fmt::format("{}: {} frames, {} bytes", connection, frames, bytes));
    }
}

void check_memory(Fleet& fleet) {
    for (const auto& machine : fleet.machines()) {
        if (machine->process == nullptr) {
            continue;
        }
        // One worker a pod wanted, found or still ending; one report a pod and kind.
        const std::size_t known =
            machine->parts.disk.desired().size() + machine->parts.runtime.pods().size() + 20;
        if (machine->process->waiting_commits() > kWaitingCommitsMax ||
            machine->process->pods() > 4 * known) {
            fleet.world().violate(
                "bounded", fmt::format(
                               "{}: {} commits wait, {} pods", machine->parts.name,
                               machine->process->waiting_commits(), machine->process->pods()
                           )
            );
        }
    }
}

std::string find_unsettled(Fleet& fleet) {
    for (const Fleet::Hub& hub : fleet.hubs()) {
        if (hub.process == nullptr || !hub.process->ready() ||
            !hub.process->hold().held().empty()) {
            return hub.name + " is not ready";
        }
    }
    for (const auto& machine : fleet.machines()) {
        std::string differs;
        if (machine->process == nullptr ||
            machine->process->link_status().phase != link::Phase::live) {
            differs = "is not connected";
        } else if (machine->process->outbox().size() + machine->parts.disk.outbox_size() != 0) {
            differs = "has reports waiting";
        } else {
            differs = compare_store(fleet.api(), *machine);
        }
        if (differs.empty()) {
            differs = compare_pods(fleet.api(), *machine);
        }
        if (differs.empty()) {
            differs = compare_tokens(fleet.api(), *machine);
        }
        if (!differs.empty()) {
            return machine->parts.name + ": " + differs;
        }
    }
    return compare_reports(fleet);
}

}  // namespace farhold::simulation
