// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_manager.hpp"

#include "common/async/timeout.hpp"
#include "common/json/value.hpp"
#include "edgecore/podspec/references.hpp"
#include "edgecore/store/desired_object.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace farhold::pods {

namespace {

constexpr int kSandboxStartsAtOnce = 4;
// Events of the runtime say at once what happened; this finds what an event missed.
constexpr Duration kRelistInterval = std::chrono::seconds(10);
// containerd tells of an exit before its own listing shows it, so an event is followed by looks at
// growing distances.
constexpr Duration kLooksAfterEvent[] = {
    std::chrono::milliseconds(50), std::chrono::milliseconds(200), std::chrono::seconds(1)
};
constexpr Duration kRelistRetry = std::chrono::seconds(1);

PodIdentity identity_of(const runtime::PodRef& pod) {
    return {.ns = pod.ns, .name = pod.name, .uid = pod.uid};
}

// What a listing shows of each pod, in a form that differs when anything did.
std::map<std::string, std::string> fingerprints(const runtime::RuntimeState& state) {
    std::map<std::string, std::string> result;
    for (const runtime::Sandbox& sandbox : state.sandboxes) {
        result[sandbox.pod.uid] +=
            fmt::format("{}={};", sandbox.id, static_cast<int>(sandbox.state));
    }
    for (const runtime::Container& container : state.containers) {
        result[container.pod.uid] +=
            fmt::format("{}={};", container.id, static_cast<int>(container.state));
    }
    return result;
}

bool overlap(const podspec::Port& one, const podspec::Port& other) {
    const auto any = [](const std::string& ip) {
        return ip.empty() || ip == "0.0.0.0" || ip == "::";
    };
    return one.host_port == other.host_port && one.protocol == other.protocol &&
           (any(one.host_ip) || any(other.host_ip) || one.host_ip == other.host_ip);
}

// With host networking every port of a container is one of the machine.
std::vector<podspec::Port> host_ports(const podspec::PodSpec& pod) {
    std::vector<podspec::Port> ports;
    for (const ContainerSpec& container : pod.containers) {
        for (podspec::Port port : container.ports) {
            if (pod.host_network && port.host_port == 0) {
                port.host_port = port.container_port;
            }
            if (port.host_port > 0) {
                ports.push_back(std::move(port));
            }
        }
    }
    return ports;
}

bool share_a_port(const podspec::PodSpec& one, const podspec::PodSpec& other) {
    const auto ports = host_ports(other);
    return std::ranges::any_of(host_ports(one), [&](const podspec::Port& port) {
        return std::ranges::any_of(ports, [&](const podspec::Port& each) {
            return overlap(port, each);
        });
    });
}

bool refers_to(const podspec::PodSpec& pod, const object::ObjectKey& key) {
    if (pod.identity.ns != key.ns) {
        return false;
    }
    if (key.kind == "ServiceAccount") {
        return key.name == pod.service_account;
    }
    const podspec::ReferencedNames names = podspec::referenced_names(pod);
    return (key.kind == "ConfigMap" && names.config_maps.contains(key.name)) ||
           (key.kind == "Secret" && names.secrets.contains(key.name));
}

}  // namespace

PodManager::PodManager(PodServices services)
    : services_(std::move(services)),
      listing_(services_.executor, services_.runtime),
      listing_trouble_(
          services_.log, "container runtime does not list its containers",
          "container runtime lists its containers"
      ),
      starts_(services_.executor, kSandboxStartsAtOnce),
      changed_(services_.executor),
      runtime_event_(services_.executor) {
    services_.store.on_change([this](std::span<const object::ObjectKey> changed) {
        on_store_change(changed);
    });
}

PodManager::~PodManager() = default;

void PodManager::start(TaskGroup& group) {
    group.spawn(run());
}

void PodManager::token_answered(const tunnel::TokenWish& wish, const tunnel::Token& token) {
    if (const auto entry = entries_.find(wish.pod_uid); entry != entries_.end()) {
        entry->second.worker->token_answered({wish.audience, wish.expiration_seconds}, token);
    }
}

void PodManager::time_changed() {
    for (auto& [uid, entry] : entries_) {
        entry.worker->time_changed();
    }
}

std::vector<PodSummary> PodManager::summaries() const {
    std::vector<PodSummary> result;
    result.reserve(entries_.size());
    for (const auto& [uid, entry] : entries_) {
        result.push_back(entry.worker->summary());
    }
    std::ranges::sort(result, {}, [](const PodSummary& summary) {
        return std::tie(summary.pod.ns, summary.pod.name, summary.pod.uid);
    });
    return result;
}

json::Value PodManager::with_status(const store::DesiredRow& row) const {
    json::Value pod = store::desired_object(row);
    const auto entry = entries_.find(row.uid);
    if (pod.is_null() || entry == entries_.end()) return pod;
    auto status = json::Value::parse(entry->second.worker->reported_status());
    if (status) pod.set("status", std::move(*status));
    return pod;
}

std::vector<json::Value> PodManager::pods() const {
    std::vector<json::Value> pods;
    for (const PodSummary& summary : summaries()) {
        const store::DesiredRow* row =
            services_.store.desired().find("Pod", summary.pod.ns, summary.pod.name);
        if (row != nullptr && row->uid == summary.pod.uid) pods.push_back(with_status(*row));
    }
    return pods;
}

json::Value PodManager::pod(std::string_view ns, std::string_view name) const {
    const store::DesiredRow* row = services_.store.desired().find("Pod", ns, name);
    return row != nullptr ? with_status(*row) : json::Value();
}

void PodManager::on_store_change(std::span<const object::ObjectKey> changed) {
    changed_keys_.insert(changed.begin(), changed.end());
    changed_.set();
}

Task<> PodManager::run() {
    co_await run_with_group([this](TaskGroup& group) { return serve(group); });
}

// The first listing comes before the first decision: a pod that runs is never refused.
Task<> PodManager::serve(TaskGroup& group) {
    group.spawn(listing_.run());
    group.spawn(services_.runtime.watch_events(runtime_event_));
    while (true) {
        const auto listed = co_await listing_.get();
        note_listing(listed ? Result<void>() : fail(listed.error()));
        if (listed) {
            take_listing(**listed, group);
            break;
        }
        co_await sleep_for(kRelistRetry);
    }
    for (const store::DesiredRow* row : services_.store.desired().of_kind("Pod")) {
        take_pod(row->key, group);
    }
    co_await take_leftovers(group);
    take_changes(group);
    group.spawn(watch_runtime(group));
    while (true) {
        co_await changed_.wait();
        take_changes(group);
    }
}

// Rows of memory and folders of pods that are nowhere else: from a process that died while it was
// taking them down, which their workers finish. In an incomplete store the pod's row may still
// come, and be told apart only by the name that a folder does not have; so they wait for a start
// with a complete one.
Task<> PodManager::take_leftovers(TaskGroup& group) {
    if (!services_.store.desired().complete()) {
        co_return;
    }
    for (const auto& [uid, text] : services_.store.memory()) {
        if (uid.starts_with(store::kTwinMemory)) continue;
        const auto memory = decode_memory(text);
        entry_for(
            {.ns = memory ? memory->ns : "", .name = memory ? memory->name : "", .uid = uid}, group
        );
    }
    const auto folders = co_await services_.files.run([this] {
        return volumes::pod_directories(services_.machine.pods_root);
    });
    if (!folders) {
        services_.log.warning("pod folders not read", {{"error", folders.error().message()}});
        co_return;
    }
    for (const std::string& uid : *folders) {
        entry_for({.ns = "", .name = "", .uid = uid}, group);
    }
}

Task<> PodManager::watch_runtime(TaskGroup& group) {
    std::size_t looks = std::size(kLooksAfterEvent);
    while (true) {
        const bool settled = looks == std::size(kLooksAfterEvent);
        const Duration pause = settled ? kRelistInterval : kLooksAfterEvent[looks];
        if (co_await runtime_event_.wait_for(pause)) {
            looks = 0;
        } else if (!settled) {
            ++looks;
        }
        const auto listed = co_await listing_.get();
        note_listing(listed ? Result<void>() : fail(listed.error()));
        if (listed) {
            take_listing(**listed, group);
            take_away_unwanted();
            admit_waiting();
        }
    }
}

// That the runtime is away is told by whoever keeps the connection.
void PodManager::note_listing(const Result<void>& listed) {
    const Instant now = services_.clock.now().mono;
    if (listed) {
        listing_trouble_.over(now);
    } else if (services_.runtime.connection().connected || listing_trouble_.present()) {
        listing_trouble_.met(listed.error().message(), now);
    }
}

Task<> PodManager::run_worker(std::string uid) {
    PodWorker& worker = *entries_.at(uid).worker;
    co_await worker.run();
    ended_.insert(uid);
    changed_.set();
}

void PodManager::take_changes(TaskGroup& group) {
    for (const std::string& uid : std::exchange(ended_, {})) {
        const auto entry = entries_.find(uid);
        if (entry->second.spec != nullptr) {
            // In case that it was wanted again just then.
            const PodIdentity& pod = entry->second.spec->identity;
            changed_keys_.insert({.kind = "Pod", .ns = pod.ns, .name = pod.name});
        }
        entries_.erase(entry);
    }
    for (const object::ObjectKey& key : std::exchange(changed_keys_, {})) {
        if (key.kind == "Pod") {
            take_pod(key, group);
            continue;
        }
        for (auto& [uid, entry] : entries_) {
            if (entry.spec != nullptr && refers_to(*entry.spec, key)) {
                entry.worker->references_changed();
            }
        }
    }
    take_away_unwanted();
    admit_waiting();
}

void PodManager::take_pod(const object::ObjectKey& key, TaskGroup& group) {
    const store::DesiredRow* row = services_.store.desired().find(key);
    // A removal was committed, or another pod of the same name has taken the place.
    for (auto& [uid, entry] : entries_) {
        const bool same_name = entry.spec != nullptr && entry.spec->identity.ns == key.ns &&
                               entry.spec->identity.name == key.name;
        if (same_name && (row == nullptr || row->uid != uid) && !entry.removed) {
            entry.removed = true;
            entry.worker->desire(nullptr);
        }
    }
    if (row == nullptr) {
        return;
    }
    const auto content = json::Value::parse(*row->content);
    auto spec = content ? podspec::parse_pod(*content, row->uid)
                        : Result<podspec::PodSpec>(fail(content.error()));
    if (!spec) {
        reject_unreadable(*row, spec.error());
        return;
    }
    if (spec->node_name != services_.machine.node_name) {
        // The hub sends none; and what runs is not stopped for it either.
        services_.log.error(
            "pod of another machine left alone",
            {{"pod", row->key.text()}, {"machine", spec->node_name}}
        );
        return;
    }
    Entry& entry = entry_for(spec->identity, group);
    entry.spec = std::make_shared<const podspec::PodSpec>(std::move(*spec));
    entry.removed = false;
    if (entry.admitted) {
        entry.worker->desire(entry.spec);
    }
}

// A pod that runs already goes on as it was last understood.
void PodManager::reject_unreadable(const store::DesiredRow& row, const Error& error) {
    services_.log.error("pod not readable", {{"pod", row.key.text()}, {"error", error.message()}});
    if (entries_.contains(row.uid)) {
        return;
    }
    const json::Value status = json::Value::make_object({
        {"phase", json::Value::of("Failed")},
        {"reason", json::Value::of("InvalidPod")},
        {"message", json::Value::of(error.message())},
    });
    services_.reports.derived(
        fmt::format("PodStatus/{}/{}", row.key.ns, row.key.name), row.uid, status.dump()
    );
}

void PodManager::take_listing(const runtime::RuntimeState& state, TaskGroup& group) {
    const auto meet = [&](const runtime::PodRef& pod) {
        if (volumes::is_folder_name(pod.uid)) {  // Labels can be written by others.
            entry_for(identity_of(pod), group);
        }
    };
    for (const runtime::Sandbox& sandbox : state.sandboxes) {
        meet(sandbox.pod);
    }
    for (const runtime::Container& container : state.containers) {
        meet(container.pod);
    }
    const auto shown = fingerprints(state);
    for (auto& [uid, entry] : entries_) {
        const auto found = shown.find(uid);
        const std::string now = found == shown.end() ? std::string() : found->second;
        if (std::exchange(entry.seen, now) != now) {
            entry.worker->runtime_changed();
        }
    }
}

// What no row speaks of, in a store that is known to hold every row. A pod that the store has never
// heard of may be newer than a store that was put back: it stays until the hub has been asked.
void PodManager::take_away_unwanted() {
    if (!services_.store.desired().complete()) {
        return;
    }
    std::set<std::string_view> wanted;  // Rows that cannot be read count as well.
    for (const store::DesiredRow* row : services_.store.desired().of_kind("Pod")) {
        wanted.insert(row->uid);
    }
    for (auto& [uid, entry] : entries_) {
        const bool known =
            services_.store.memory().contains(uid) || services_.store.desired().confirmed();
        if (entry.spec == nullptr && !entry.removed && known && !wanted.contains(uid)) {
            entry.removed = true;
            entry.worker->desire(nullptr);
        }
    }
}

void PodManager::admit_waiting() {
    for (auto& [uid, entry] : entries_) {
        if (entry.spec == nullptr || entry.admitted || entry.removed) {
            continue;
        }
        bool wait = false;
        const std::string reason = conflict(entry, wait);
        if (!reason.empty() && wait) {
            continue;
        }
        entry.admitted = true;
        entry.worker->desire(entry.spec);
        if (!entry.spec->unsupported.empty()) {
            entry.worker->refuse(
                "UnsupportedFeature",
                fmt::format(
                    "Pod was rejected, as this version of edgecore cannot run it: {}",
                    fmt::join(entry.spec->unsupported, "; ")
                )
            );
        } else if (!reason.empty()) {
            entry.worker->refuse("NodePorts", reason);
        }
    }
}

std::string PodManager::conflict(const Entry& entry, bool& wait) const {
    const PodMemory& memory = entry.worker->lifecycle().memory();
    const bool known = !entry.seen.empty() || !memory.containers.empty() || memory.final_state;
    if (known || entry.spec->deleting) {
        return "";
    }
    for (const auto& [uid, other] : entries_) {
        const bool holds = &other != &entry && other.spec != nullptr && other.admitted &&
                           !other.worker->lifecycle().memory().final_state;
        if (holds && share_a_port(*entry.spec, *other.spec)) {
            // One that is on its way out will leave the port.
            wait = other.worker->lifecycle().terminating();
            return "Predicate NodePorts failed: node(s) didn't have free ports for the requested "
                   "pod ports";
        }
    }
    return "";
}

PodManager::Entry& PodManager::entry_for(const PodIdentity& pod, TaskGroup& group) {
    const auto [found, fresh] = entries_.try_emplace(pod.uid);
    Entry& entry = found->second;
    if (!fresh) {
        return entry;
    }
    PodMemory memory;
    const auto& stored = services_.store.memory();
    if (const auto row = stored.find(pod.uid); row != stored.end()) {
        auto decoded = decode_memory(row->second);
        if (decoded) {
            memory = std::move(*decoded);
        } else {
            services_.log.error(
                "pod memory not readable", {{"uid", pod.uid}, {"error", decoded.error().message()}}
            );
        }
    }
    entry.worker =
        std::make_unique<PodWorker>(services_, listing_, starts_, pod, std::move(memory));
    group.spawn(run_worker(pod.uid));
    return entry;
}

}  // namespace farhold::pods
