// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_observer.hpp"

#include "edgecore/pods/pod_files.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace farhold::pods {

namespace {

ContainerState state_of(runtime::ContainerState state) {
    switch (state) {
        case runtime::ContainerState::created:
            return ContainerState::created;
        case runtime::ContainerState::running:
            return ContainerState::running;
        case runtime::ContainerState::exited:
            return ContainerState::exited;
        case runtime::ContainerState::unknown:
            break;
    }
    return ContainerState::unknown;
}

}  // namespace

PodObserver::PodObserver(PodServices& services, SharedListing& listing, std::string uid)
    : services_(services), listing_(listing), uid_(std::move(uid)) {}

Task<Result<Observation>> PodObserver::observe(PodSpecPtr spec) {
    const auto listed = co_await listing_.get();
    if (!listed) {
        co_return fail(listed.error());
    }
    const runtime::RuntimeState& state = **listed;
    Observation observation;
    std::set<std::string> ids;
    for (const runtime::Sandbox& sandbox : state.sandboxes) {
        if (sandbox.pod.uid == uid_) {
            auto seen = co_await look_at(sandbox);
            if (!seen) {
                co_return fail(seen.error());
            }
            ids.insert(sandbox.id);
            observation.sandboxes.push_back(std::move(*seen));
        }
    }
    for (const runtime::Container& container : state.containers) {
        if (container.pod.uid == uid_) {
            auto seen = co_await look_at(container, spec);
            if (!seen) {
                co_return fail(seen.error());
            }
            ids.insert(container.id);
            observation.containers.push_back(std::move(*seen));
        }
    }
    std::erase_if(settled_, [&](const auto& entry) { return !ids.contains(entry.first); });
    std::erase_if(sandbox_addresses_, [&](const auto& entry) {
        return !ids.contains(entry.first);
    });
    co_return observation;
}

Task<Result<ObservedSandbox>> PodObserver::look_at(const runtime::Sandbox& sandbox) {
    ObservedSandbox seen{
        .id = sandbox.id,
        .attempt = sandbox.attempt,
        .ready = sandbox.state == runtime::SandboxState::ready,
        .ip = "",
    };
    if (!seen.ready) {
        co_return seen;
    }
    if (!sandbox_addresses_.contains(sandbox.id)) {
        const auto status = co_await services_.runtime.sandbox_status(seen.id);
        if (!status) {
            co_return fail(status.error());
        }
        std::vector<std::string> addresses = status->additional_ips;
        if (!status->ip.empty()) {
            addresses.insert(addresses.begin(), status->ip);
        }
        sandbox_addresses_.emplace(seen.id, std::move(addresses));
    }
    const std::vector<std::string>& addresses = sandbox_addresses_.at(seen.id);
    if (!addresses.empty()) {
        seen.ip = addresses.front();
        addresses_ = addresses;
    }
    co_return seen;
}

Task<Result<ObservedContainer>> PodObserver::look_at(
    const runtime::Container& container, PodSpecPtr spec
) {
    const ContainerState state = state_of(container.state);
    if (const auto known = settled_.find(container.id);
        known != settled_.end() && known->second.state == state) {
        co_return known->second;
    }
    ObservedContainer seen;
    seen.id = container.id;
    seen.sandbox_id = container.sandbox_id;
    seen.name = container.name;
    seen.attempt = container.attempt;
    seen.state = state;
    seen.spec_hash = container.spec_hash;
    seen.image_id = container.image_ref;
    if (state != ContainerState::running && state != ContainerState::exited) {
        co_return seen;
    }
    const auto status = co_await services_.runtime.container_status(seen.id);
    if (!status) {
        co_return fail(status.error());
    }
    seen.state = state_of(status->container.state);  // Newer than the listing.
    seen.started_at = status->started_at;
    seen.finished_at = status->finished_at;
    seen.exit_code = status->exit_code;
    seen.reason = status->reason;
    seen.message = status->message;
    if (seen.state == ContainerState::exited && spec != nullptr) {
        std::string last_words = co_await services_.files.run([&] {
            return termination_message(
                *spec, seen.name, seen.attempt, seen.exit_code, services_.machine
            );
        });
        if (!last_words.empty()) {
            seen.message = std::move(last_words);
        }
    }
    settled_.insert_or_assign(seen.id, seen);
    co_return seen;
}

}  // namespace farhold::pods
