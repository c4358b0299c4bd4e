// SPDX-License-Identifier: Apache-2.0
//
// The pod half of an edgecore for tests: a store on SQLite in a folder, a PodManager on a runtime
// that the test gives, and the reports it makes. Destroying it is the end of the process: pods and
// the store stay, and the next PodNode on the same folder takes them over.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/json/value.hpp"
#include "common/tunnel/content.hpp"
#include "common/tunnel/messages.hpp"
#include "edgecore/pods/pod_manager.hpp"
#include "edgecore/store/sqlite_edge_store.hpp"
#include "edgecore/store/state_keeper.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace farhold::test {

class PodNode {
public:
    PodNode(
        Executor executor, runtime::ContainerRuntime& runtime, std::string folder,
        std::string cgroup_parent
    )
        : folder_(std::move(folder)), files_("files"), group_(executor) {
        std::filesystem::create_directories(folder_);
        auto keeper = store::StateKeeper::open(
            executor,
            std::make_unique<store::SqliteEdgeStore>(
                folder_, "boot", "11111111-2222-3333-4444-555555555555"
            ),
            log::Logger()
        );
        if (!keeper) {
            throw std::runtime_error(keeper.error().message());
        }
        keeper_ = std::move(*keeper);
        manager_ = std::make_unique<pods::PodManager>(pods::PodServices{
            .executor = executor,
            .runtime = runtime,
            .store = *keeper_,
            .files = files_,
            .clock = clock_,
            .reports = sink(),
            .tokens = {
                .want = [this](tunnel::TokenWish wish) { wishes.push_back(std::move(wish)); },
                .trusted_time = [this] { return trusted_time; },
            },
            .machine = machine(std::move(cgroup_parent)),
            .facts =
                [] {
                    return podspec::MachineFacts{
                        .node_name = "edge-1",
                        .host_ips = {"192.0.2.1"},
                        .pod_ips = {},
                        .allocatable_cpu_milli = 2000,
                        .allocatable_memory_bytes = 1LL << 30U,
                        .allocatable_storage_bytes = 1LL << 33U,
                    };
                },
            .log = log::Logger(),
        });
        manager_->start(group_);
    }

    Task<> stop() {
        group_.cancel();
        co_await group_.join();
        co_await keeper_->stop();
    }

    // Commits objects as the link would; each names its kind, namespace, name and uid.
    Task<> apply(std::vector<std::string> objects) {
        store::StoreBatch batch;
        batch.complete = true;
        for (const std::string& text : objects) {
            const auto object = json::Value::parse(text);
            if (!object) {
                throw std::runtime_error(object.error().message());
            }
            const tunnel::Content content = tunnel::make_content(*object);
            batch.upserts.push_back({
                .key = object::ObjectKey::of(*object),
                .uid = std::string(object->text_at({"metadata", "uid"})),
                .resource_version = "1",
                .hash = content.hash,
                .encoding = tunnel::kEncodingJson,
                .content = std::make_shared<const std::string>(content.text),
            });
        }
        co_await commit(std::move(batch));
    }

    Task<> remove(object::ObjectKey key) {
        store::StoreBatch batch;
        batch.removals.push_back(std::move(key));
        co_await commit(std::move(batch));
    }

    // Until the condition holds.
    template <class Condition>
    Task<> wait_until(Condition condition) {
        Event pause(co_await this_executor);
        for (int tries = 0; tries < 3000; ++tries) {
            if (condition()) {
                co_return;
            }
            co_await pause.wait_for(std::chrono::milliseconds(10));
        }
        throw std::runtime_error("it did not come to pass in thirty seconds");
    }

    // The newest status of default/<name>; null before the first.
    json::Value status(const std::string& name) const {
        const auto found = reports_.find("PodStatus/default/" + name);
        return found == reports_.end() ? json::Value() : found->second;
    }
    std::string phase(const std::string& name) const {
        return std::string(status(name).text_at({"phase"}));
    }
    // Of the only container.
    json::Value container(const std::string& name) const {
        const json::Value whole = status(name);
        const json::Value* list = whole.find("containerStatuses");
        return list != nullptr && !list->empty() ? list->array().front() : json::Value();
    }
    bool has_event(std::string_view reason) const {
        for (const json::Value& event : events_) {
            if (event.text_at({"reason"}) == reason) {
                return true;
            }
        }
        return false;
    }
    bool has_message(std::string_view part) const {
        for (const json::Value& event : events_) {
            if (event.text_at({"message"}).contains(part)) {
                return true;
            }
        }
        return false;
    }
    bool gone(const std::string& name) const {
        return reports_.contains("PodGone/default/" + name);
    }

    // Tokens that pods want of the hub, which is the test.
    std::vector<tunnel::TokenWish> wishes;
    WallTime trusted_time{std::chrono::hours(1)};

    store::StateKeeper& keeper() { return *keeper_; }
    pods::PodManager& manager() { return *manager_; }
    std::string pod_folder(const std::string& uid) const { return folder_ + "/pods/" + uid; }
    std::string log_folder() const { return folder_ + "/logs"; }

private:
    pods::ReportSink sink() {
        return {
            .derived = [this](
                           std::string key, std::string, std::string body
                       ) { reports_.insert_or_assign(std::move(key), *json::Value::parse(body)); },
            .forget = [this](const std::string& key) { reports_.erase(key); },
            .event = [this](
                         std::string, std::string, std::string body
                     ) { events_.push_back(*json::Value::parse(body)); },
        };
    }

    pods::MachineSettings machine(std::string cgroup_parent) const {
        return {
            .node_name = "edge-1",
            .hostname = "machine",
            .pods_root = folder_ + "/pods",
            .seccomp_root = folder_ + "/seccomp",
            .log_root = folder_ + "/logs",
            .cgroup_parent = std::move(cgroup_parent),
            .cluster_dns = {},
            .memory_bytes = 1LL << 30U,
        };
    }

    Task<> commit(store::StoreBatch batch) {
        const auto committed = co_await keeper_->commit(std::move(batch));
        if (!committed) {
            throw std::runtime_error(committed.error().message());
        }
    }

    std::string folder_;
    SystemClock clock_;
    WorkerThread files_;
    std::unique_ptr<store::StateKeeper> keeper_;
    std::unique_ptr<pods::PodManager> manager_;
    TaskGroup group_;
    std::map<std::string, json::Value> reports_;
    std::vector<json::Value> events_;
};

}  // namespace farhold::test
