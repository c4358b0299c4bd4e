// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/scheduler/scheduler.hpp"

#include "common/kubeapi/event_record.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace farhold::scheduler {

namespace {

// For bindings that failed; everything else is tried when something changes.
constexpr Duration kRetry = std::chrono::seconds(5);

}  // namespace

class Scheduler::PodHandler final : public kubeapi::ObjectHandler {
public:
    explicit PodHandler(Scheduler& owner) : owner_(owner) {}

    void replaced(const std::vector<kubeapi::ObjectPtr>& pods) override {
        std::map<std::string, kubeapi::ObjectPtr> gone = std::exchange(known_, {});
        for (const auto& pod : pods) {
            gone.erase(std::string(object::uid(*pod)));
            changed(pod);
        }
        for (const auto& [uid, pod] : gone) owner_.pod_removed(pod);
    }
    void changed(const kubeapi::ObjectPtr& pod) override {
        known_[std::string(object::uid(*pod))] = pod;
        owner_.pod_changed(pod);
    }
    void removed(const kubeapi::ObjectPtr& pod) override {
        known_.erase(std::string(object::uid(*pod)));
        owner_.pod_removed(pod);
    }

private:
    Scheduler& owner_;
    std::map<std::string, kubeapi::ObjectPtr> known_;
};

Scheduler::Scheduler(
    Executor executor, kubeapi::KubeClient& client, const Clock& clock, log::Logger logger
)
    : client_(client),
      clock_(clock),
      logger_(logger.with({{"component", "scheduler"}})),
      unbound_(logger_, "binding failed", "binding succeeded again"),
      changed_(std::move(executor)),
      node_handler_(
          [this](const std::string& name, const kubeapi::ObjectPtr& node) {
              cluster_.put_node(name, node);
              changed_.set();
          },
          [this](const std::string& name) { cluster_.remove_node(name); }
      ),
      pod_handler_(std::make_unique<PodHandler>(*this)),
      nodes_(client, kubeapi::kNodes, {}, node_handler_, logger_),
      pods_(client, kubeapi::kPods, {}, *pod_handler_, logger_) {}

Scheduler::~Scheduler() = default;

void Scheduler::start(TaskGroup& group) {
    group.spawn(nodes_.run());
    group.spawn(pods_.run());
    group.spawn(decide_loop());
}

void Scheduler::pod_changed(const kubeapi::ObjectPtr& pod) {
    const std::string uid(object::uid(*pod));
    cluster_.put_pod(uid, *pod);
    if (wants_scheduling(*pod)) {
        waiting_[uid].pod = pod;
        changed_.set();
    } else {
        waiting_.erase(uid);
    }
}

void Scheduler::pod_removed(const kubeapi::ObjectPtr& pod) {
    const std::string uid(object::uid(*pod));
    cluster_.remove_pod(uid);
    waiting_.erase(uid);
    changed_.set();
}

Task<> Scheduler::decide_loop() {
    while (true) {
        co_await changed_.wait_for(kRetry);
        co_await schedule_waiting();
    }
}

Task<> Scheduler::schedule_waiting() {
    std::vector<std::string> uids;
    for (const auto& [uid, waiting] : waiting_) uids.push_back(uid);
    for (const std::string& uid : uids) {
        // Every write suspends, so what waits is looked up afresh each time.
        const auto found = waiting_.find(uid);
        if (found == waiting_.end()) continue;
        const kubeapi::ObjectPtr pod = found->second.pod;
        const Placement placement = cluster_.place(*pod);
        if (const auto* chosen = std::get_if<Chosen>(&placement)) {
            waiting_.erase(found);
            co_await bind(*pod, chosen->node);
        } else {
            const std::string& message = std::get<Unschedulable>(placement).message;
            if (found->second.told == message) continue;
            found->second.told = message;
            co_await set_condition(*pod, message);
            co_await record(*pod, "Warning", "FailedScheduling", message);
        }
    }
}

Task<> Scheduler::bind(const json::Value& pod, const std::string& node) {
    const std::string name(object::name(pod));
    const std::string ns(object::ns(pod));
    json::Value binding = json::Value::make_object();
    binding.set("apiVersion", json::Value::of("v1"));
    binding.set("kind", json::Value::of("Binding"));
    json::Value& metadata = binding.ensure_path({"metadata"});
    metadata.set("name", json::Value::of(name));
    metadata.set("uid", json::Value::of(object::uid(pod)));
    json::Value& target = binding.ensure_path({"target"});
    target.set("kind", json::Value::of("Node"));
    target.set("name", json::Value::of(node));
    // Counted at once, so that the next decision does not wait for the watch.
    json::Value bound = pod;
    bound.ensure_path({"spec"}).set("nodeName", json::Value::of(node));
    cluster_.put_pod(std::string(object::uid(pod)), bound);
    const auto created = co_await client_.create(kubeapi::kPods, ns, std::move(binding), "binding");
    if (created) {
        ++bound_;
        unbound_.over(clock_.now().mono);
        co_await record(
            pod, "Normal", "Scheduled", "Successfully assigned " + ns + "/" + name + " to " + node
        );
        co_return;
    }
    const std::string uid(object::uid(pod));
    cluster_.remove_pod(uid);
    // Gone or bound by somebody else: the watch tells. Anything else is tried again.
    if (created.error().code() != ErrorCode::not_found &&
        created.error().code() != ErrorCode::conflict) {
        waiting_[uid].pod = std::make_shared<const json::Value>(pod);
        ++failed_;
        unbound_.met(
            created.error().message(), clock_.now().mono, {{"namespace", ns}, {"pod", name}}
        );
    }
}

Task<> Scheduler::set_condition(const json::Value& pod, const std::string& message) {
    json::Value condition = json::Value::make_object();
    condition.set("type", json::Value::of("PodScheduled"));
    condition.set("status", json::Value::of("False"));
    condition.set("reason", json::Value::of("Unschedulable"));
    condition.set("message", json::Value::of(message));
    condition.set("lastTransitionTime", json::Value::of(object::format_time(clock_.now().wall)));
    json::Value body = json::Value::make_object();
    json::Value list = json::Value::make_array();
    list.push_back(std::move(condition));
    body.ensure_path({"status"}).set("conditions", std::move(list));
    body.ensure_path({"metadata"}).set("uid", json::Value::of(object::uid(pod)));
    kubeapi::Patch patch{
        .subresource = "status",
        .type = kubeapi::PatchType::strategic_merge,
        .body = std::move(body),
    };
    const auto patched = co_await client_.patch(
        kubeapi::kPods, std::string(object::ns(pod)), std::string(object::name(pod)),
        std::move(patch)
    );
    if (!patched) {
        logger_.debug("condition not written", {{"error", patched.error().message()}});
    }
}

Task<> Scheduler::record(
    const json::Value& pod, std::string_view type, std::string_view reason, std::string message
) {
    json::Value event = kubeapi::make_event(
        kubeapi::reference_to(pod, "v1", "Pod"), type, reason, std::move(message),
        "default-scheduler", clock_.now().wall
    );
    // Events are best effort.
    const auto created =
        co_await client_.create(kubeapi::kEvents, std::string(object::ns(pod)), std::move(event));
    if (!created) logger_.debug("event not written", {{"error", created.error().message()}});
}

}  // namespace farhold::scheduler
