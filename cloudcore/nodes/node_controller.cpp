// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/nodes/node_controller.hpp"

#include "common/kubeapi/event_record.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace farhold::nodes {

namespace {

// A write that lost against the machine's own is decided again from what it said.
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr Duration kLongestWait = std::chrono::seconds(60);

kubeapi::ListOptions in_lease_namespace() {
    kubeapi::ListOptions options;
    options.ns = "kube-node-lease";
    return options;
}

}  // namespace

class NodeController::LeaseHandler final : public kubeapi::ObjectHandler {
public:
    explicit LeaseHandler(NodeController& owner) : owner_(owner) {}

    void replaced(const std::vector<kubeapi::ObjectPtr>& leases) override {
        for (const auto& lease : leases) changed(lease);
    }
    void changed(const kubeapi::ObjectPtr& lease) override {
        owner_.lifecycle_.lease_changed(
            std::string(object::name(*lease)), *lease, owner_.clock_.now()
        );
    }
    void removed(const kubeapi::ObjectPtr& /*lease*/) override {}

private:
    NodeController& owner_;
};

NodeController::NodeController(
    Executor executor, kubeapi::KubeClient& client, const Clock& clock, log::Logger logger
)
    : client_(client),
      clock_(clock),
      logger_(logger.with({{"component", "nodes"}})),
      unwritten_(logger_, "nodes not written", "nodes written again"),
      changed_(std::move(executor)),
      node_handler_(
          [this](const std::string& name, const kubeapi::ObjectPtr& node) {
              lifecycle_.node_changed(name, *node, clock_.now());
              changed_.set();
          },
          [this](const std::string& name) { lifecycle_.node_removed(name); }
      ),
      lease_handler_(std::make_unique<LeaseHandler>(*this)),
      nodes_(client, kubeapi::kNodes, {}, node_handler_, logger_),
      leases_(client, kubeapi::kLeases, in_lease_namespace(), *lease_handler_, logger_) {}

NodeController::~NodeController() = default;

void NodeController::start(TaskGroup& group) {
    group.spawn(nodes_.run());
    group.spawn(leases_.run());
    group.spawn(decide_loop());
}

Task<> NodeController::decide_loop() {
    while (true) {
        std::vector<NodeChange> changes = lifecycle_.due(clock_.now());
        for (NodeChange& change : changes) co_await write(std::move(change));
        Duration wait = kLongestWait;
        if (!changes.empty()) {
            wait = kRetry;
        } else if (const auto next = lifecycle_.next_deadline()) {
            wait = std::clamp<Duration>(*next - clock_.now().mono, Duration(0), kLongestWait);
        }
        co_await changed_.wait_for(wait);
    }
}

Task<> NodeController::write(NodeChange change) {
    if (change.status_patch) {
        co_await patch_node(change.node, "status", std::move(*change.status_patch));
    }
    if (change.spec_patch) {
        co_await patch_node(change.node, "", std::move(*change.spec_patch));
    }
    if (change.became_unreachable) {
        ++silences_;
        logger_.warning("node fell silent, its conditions are unknown", {{"node", change.node}});
        co_await mark_pods_not_ready(change.node);
    }
}

Task<> NodeController::patch_node(
    const std::string& name, std::string subresource, json::Value body
) {
    kubeapi::Patch patch{
        .subresource = std::move(subresource),
        .type = kubeapi::PatchType::merge,
        .body = std::move(body),
    };
    const auto patched = co_await client_.patch(kubeapi::kNodes, "", name, std::move(patch));
    if (patched) {
        unwritten_.over(clock_.now().mono);
    } else if (patched.error().code() != ErrorCode::conflict &&
               patched.error().code() != ErrorCode::not_found) {
        unwritten_.met(patched.error().message(), clock_.now().mono, {{"node", name}});
    }
}

// As the Kubernetes node controller: readers of Ready must not trust a word that nobody renews. The
// machine posts its pods' status again when it is back.
Task<> NodeController::mark_pods_not_ready(std::string node) {
    kubeapi::ListOptions options;
    options.field_selector = "spec.nodeName=" + node;
    const auto pods = co_await client_.list(kubeapi::kPods, options);
    if (!pods) co_return;
    const WallTime now = clock_.now().wall;
    for (const kubeapi::ObjectPtr& pod : pods->items) {
        if (!object::condition_is_true(*pod, "Ready")) continue;
        json::Value condition = json::Value::make_object();
        condition.set("type", json::Value::of("Ready"));
        condition.set("status", json::Value::of("False"));
        condition.set("lastTransitionTime", json::Value::of(object::format_time(now)));
        json::Value conditions = json::Value::make_array();
        conditions.push_back(std::move(condition));
        json::Value body = json::Value::make_object();
        body.ensure_path({"metadata"}).set("uid", json::Value::of(object::uid(*pod)));
        body.ensure_path({"status"}).set("conditions", std::move(conditions));
        kubeapi::Patch patch{
            .subresource = "status",
            .type = kubeapi::PatchType::strategic_merge,
            .body = std::move(body),
        };
        std::string ns(object::ns(*pod));
        std::string name(object::name(*pod));
        const auto patched =
            co_await client_.patch(kubeapi::kPods, ns, std::move(name), std::move(patch));
        if (!patched) continue;
        json::Value event = kubeapi::make_event(
            kubeapi::reference_to(*pod, "v1", "Pod"), "Warning", "NodeNotReady",
            "Node is not ready", "node-controller", now
        );
        const auto recorded =
            co_await client_.create(kubeapi::kEvents, std::move(ns), std::move(event));
        if (!recorded) logger_.debug("event not written", {{"pod", object::name(*pod)}});
    }
}

}  // namespace farhold::nodes
