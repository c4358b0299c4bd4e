// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_memory.hpp"

#include "common/json/value.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace farhold::pods {

namespace {

// Kubelet's words for a container that is missing from the runtime.
Termination lost(const ContainerRecord& record) {
    return {
        .container_id = record.container_id,
        .exit_code = 137,
        .reason = "ContainerStatusUnknown",
        .message =
            "The container could not be located when the pod was deleted.  The container "
            "used to be Running",
        .started_at = record.started_at,
        .finished_at = std::nullopt,
    };
}

Termination termination_of(const ObservedContainer& container) {
    std::string reason = container.reason;
    if (reason.empty()) {
        reason = container.exit_code == 0 ? "Completed" : "Error";
    }
    return {
        .container_id = container.id,
        .exit_code = container.exit_code,
        .reason = std::move(reason),
        .message = container.message,
        .started_at = container.started_at,
        .finished_at = container.finished_at,
    };
}

// The record of a newer attempt, with what is known of the one before as its past.
ContainerRecord begin(const ContainerRecord* before, const ObservedContainer& container) {
    ContainerRecord record{
        .attempt = container.attempt,
        .state = ContainerRecord::State::created,
        .container_id = container.id,
        .sandbox_id = container.sandbox_id,
        .image_id = container.image_id,
        .started_at = std::nullopt,
        .ended = std::nullopt,
        .previous = std::nullopt,
    };
    if (before != nullptr) {
        switch (before->state) {
            case ContainerRecord::State::created:
                record.previous = before->previous;
                break;
            case ContainerRecord::State::running:
                record.previous = lost(*before);
                break;
            case ContainerRecord::State::ended:
                record.previous = before->ended;
                break;
        }
    }
    return record;
}

// Returns whether something durable changed.
bool fold_container(ContainerRecord& record, const ObservedContainer& container) {
    // An attempt that has ended never comes back to life; a late twin of it is a stray.
    if (container.attempt < record.attempt || record.state == ContainerRecord::State::ended) {
        return false;
    }
    if (container.id != record.container_id) {
        if (record.state == ContainerRecord::State::running) {
            return false;
        }
        record.container_id = container.id;
        record.sandbox_id = container.sandbox_id;
    }
    if (!container.image_id.empty()) {
        record.image_id = container.image_id;
    }
    switch (container.state) {
        case ContainerState::created:
            return false;
        case ContainerState::running:
        case ContainerState::unknown: {
            const bool news = record.state != ContainerRecord::State::running;
            record.state = ContainerRecord::State::running;
            record.started_at = container.started_at;
            return news;
        }
        case ContainerState::exited:
            record.state = ContainerRecord::State::ended;
            record.started_at = container.started_at;
            record.ended = termination_of(container);
            return true;
    }
    return false;
}

void set_time(json::Value& object, std::string_view key, const std::optional<WallTime>& time) {
    if (time) {
        object.set(key, json::Value::of(std::int64_t{time->time_since_epoch().count()}));
    }
}

std::optional<WallTime> time_at(const json::Value& object, std::string_view key) {
    const json::Value* found = object.find(key);
    const auto count = found != nullptr ? found->integer() : std::nullopt;
    return count ? std::optional(WallTime(Duration(*count))) : std::nullopt;
}

json::Value to_json(const Termination& end) {
    json::Value object = json::Value::make_object();
    object.set("id", json::Value::of(end.container_id));
    object.set("exitCode", json::Value::of(std::int64_t{end.exit_code}));
    object.set("reason", json::Value::of(end.reason));
    object.set("message", json::Value::of(end.message));
    set_time(object, "startedAt", end.started_at);
    set_time(object, "finishedAt", end.finished_at);
    return object;
}

std::optional<Termination> termination_at(const json::Value& parent, std::string_view key) {
    const json::Value* object = parent.find(key);
    if (object == nullptr) {
        return std::nullopt;
    }
    return Termination{
        .container_id = std::string(object->text_at({"id"})),
        .exit_code = static_cast<std::int32_t>(object->integer_at({"exitCode"}, 0)),
        .reason = std::string(object->text_at({"reason"})),
        .message = std::string(object->text_at({"message"})),
        .started_at = time_at(*object, "startedAt"),
        .finished_at = time_at(*object, "finishedAt"),
    };
}

json::Value to_json(const ContainerRecord& record) {
    json::Value object = json::Value::make_object();
    object.set("attempt", json::Value::of(std::int64_t{record.attempt}));
    object.set("state", json::Value::of(static_cast<std::int64_t>(record.state)));
    object.set("id", json::Value::of(record.container_id));
    object.set("sandbox", json::Value::of(record.sandbox_id));
    object.set("image", json::Value::of(record.image_id));
    set_time(object, "startedAt", record.started_at);
    if (record.ended) {
        object.set("ended", to_json(*record.ended));
    }
    if (record.previous) {
        object.set("previous", to_json(*record.previous));
    }
    return object;
}

Result<ContainerRecord> record_of(const json::Value& object) {
    const std::int64_t state = object.integer_at({"state"}, -1);
    if (state < 0 || state > static_cast<std::int64_t>(ContainerRecord::State::ended)) {
        return fail(ErrorCode::corrupt, "pod memory: unknown container state");
    }
    ContainerRecord record{
        .attempt = static_cast<std::uint32_t>(object.integer_at({"attempt"}, 0)),
        .state = static_cast<ContainerRecord::State>(state),
        .container_id = std::string(object.text_at({"id"})),
        .sandbox_id = std::string(object.text_at({"sandbox"})),
        .image_id = std::string(object.text_at({"image"})),
        .started_at = time_at(object, "startedAt"),
        .ended = termination_at(object, "ended"),
        .previous = termination_at(object, "previous"),
    };
    if ((record.state == ContainerRecord::State::ended) != record.ended.has_value()) {
        return fail(ErrorCode::corrupt, "pod memory: container state and termination disagree");
    }
    return record;
}

json::Value to_json(const std::map<std::string, ConditionRecord, std::less<>>& conditions) {
    json::Value object = json::Value::make_object();
    for (const auto& [type, condition] : conditions) {
        json::Value entry = json::Value::make_object();
        entry.set("status", json::Value::of(condition.status));
        set_time(entry, "since", condition.since);
        object.set(type, std::move(entry));
    }
    return object;
}

std::map<std::string, ConditionRecord, std::less<>> conditions_of(const json::Value& object) {
    std::map<std::string, ConditionRecord, std::less<>> result;
    if (object.is_object()) {
        for (const auto& [type, entry] : object.object()) {
            const WallTime since = time_at(entry, "since").value_or(WallTime{});
            result.emplace(type, ConditionRecord{entry.bool_at({"status"}), since});
        }
    }
    return result;
}

json::Value to_json(const std::map<podspec::TokenTerms, HeldToken>& tokens) {
    json::Value list = json::Value::make_array();
    for (const auto& [terms, held] : tokens) {
        json::Value entry = json::Value::make_object();
        entry.set("audience", json::Value::of(terms.audience));
        entry.set("seconds", json::Value::of(terms.expiration_seconds));
        entry.set("token", json::Value::of(held.token));
        set_time(entry, "refreshAt", held.refresh_at);
        list.array().push_back(std::move(entry));
    }
    return list;
}

std::map<podspec::TokenTerms, HeldToken> tokens_of(const json::Value& memory) {
    std::map<podspec::TokenTerms, HeldToken> result;
    for (const json::Value& entry : memory.elements_at({"tokens"})) {
        result.insert_or_assign(
            podspec::TokenTerms{
                .audience = std::string(entry.text_at({"audience"})),
                .expiration_seconds = entry.integer_at({"seconds"}, 0),
            },
            HeldToken{
                .token = std::string(entry.text_at({"token"})),
                .refresh_at = time_at(entry, "refreshAt").value_or(WallTime{}),
            }
        );
    }
    return result;
}

}  // namespace

bool PodMemory::fold(const Observation& observation) {
    std::vector<const ObservedContainer*> ordered;
    ordered.reserve(observation.containers.size());
    for (const ObservedContainer& container : observation.containers) {
        ordered.push_back(&container);
    }
    std::ranges::sort(ordered, {}, [](const ObservedContainer* container) {
        return std::tie(container->name, container->attempt);
    });

    for (const ObservedSandbox& sandbox : observation.sandboxes) {
        next_sandbox_attempt = std::max(next_sandbox_attempt, sandbox.attempt + 1);
    }
    bool durable = false;
    for (const ObservedContainer* container : ordered) {
        const auto found = containers.find(container->name);
        if (found == containers.end()) {
            containers.emplace(container->name, begin(nullptr, *container));
        } else if (container->attempt > found->second.attempt) {
            found->second = begin(&found->second, *container);
        }
        durable |= fold_container(containers.find(container->name)->second, *container);
    }

    for (auto& entry : containers) {
        ContainerRecord& record = entry.second;
        const bool seen = std::ranges::any_of(observation.containers, [&](const auto& container) {
            return container.id == record.container_id;
        });
        if (!seen && record.state == ContainerRecord::State::running) {
            record.ended = lost(record);
            record.state = ContainerRecord::State::ended;
            durable = true;
        }
    }
    return durable;
}

std::string encode_memory(const PodMemory& memory) {
    json::Value containers = json::Value::make_object();
    for (const auto& [name, record] : memory.containers) {
        containers.set(name, to_json(record));
    }
    json::Value object = json::Value::make_object();
    object.set("namespace", json::Value::of(memory.ns));
    object.set("name", json::Value::of(memory.name));
    object.set("containers", std::move(containers));
    if (memory.final_state) {
        json::Value final_state = json::Value::make_object();
        const bool succeeded = memory.final_state->phase == FinalPhase::succeeded;
        final_state.set("succeeded", json::Value::of(succeeded));
        final_state.set("reason", json::Value::of(memory.final_state->reason));
        final_state.set("message", json::Value::of(memory.final_state->message));
        object.set("final", std::move(final_state));
    }
    object.set("sandboxAttempt", json::Value::of(std::int64_t{memory.next_sandbox_attempt}));
    set_time(object, "startTime", memory.start_time);
    object.set("conditions", to_json(memory.conditions));
    if (!memory.tokens.empty()) {
        object.set("tokens", to_json(memory.tokens));
    }
    object.set("active", json::Value::of(std::int64_t{memory.active.count()}));
    object.set("grace", json::Value::of(std::int64_t{memory.grace.count()}));
    return object.dump();
}

Result<PodMemory> decode_memory(std::string_view text) {
    const auto parsed = json::Value::parse(text);
    if (!parsed) {
        return fail(parsed.error().within("pod memory"));
    }
    if (!parsed->is_object()) {
        return fail(ErrorCode::corrupt, "pod memory: not an object");
    }
    PodMemory memory;
    memory.ns = parsed->text_at({"namespace"});
    memory.name = parsed->text_at({"name"});
    if (const json::Value* containers = parsed->find("containers");
        containers != nullptr && containers->is_object()) {
        for (const auto& [name, value] : containers->object()) {
            auto record = record_of(value);
            if (!record) {
                return fail(record.error());
            }
            memory.containers.emplace(name, std::move(*record));
        }
    }
    if (const json::Value* final_state = parsed->find("final"); final_state != nullptr) {
        const bool success = final_state->bool_at({"succeeded"});
        memory.final_state = FinalState{
            .phase = success ? FinalPhase::succeeded : FinalPhase::failed,
            .reason = std::string(final_state->text_at({"reason"})),
            .message = std::string(final_state->text_at({"message"})),
        };
    }
    memory.next_sandbox_attempt =
        static_cast<std::uint32_t>(parsed->integer_at({"sandboxAttempt"}, 0));
    memory.start_time = time_at(*parsed, "startTime");
    if (const json::Value* conditions = parsed->find("conditions"); conditions != nullptr) {
        memory.conditions = conditions_of(*conditions);
    }
    memory.tokens = tokens_of(*parsed);
    memory.active = Duration(parsed->integer_at({"active"}, 0));
    memory.grace = std::chrono::seconds(parsed->integer_at({"grace"}, 30));
    return memory;
}

}  // namespace farhold::pods
