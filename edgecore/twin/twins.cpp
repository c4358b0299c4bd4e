// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/twins.hpp"

#include "common/object/metadata.hpp"
#include "edgecore/twin/device_report.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace farhold::twin {
namespace {

// Of one device; in between, what is newer takes the place of what waits.
constexpr Duration kReportInterval = std::chrono::seconds(1);
constexpr Duration kStateDelay = std::chrono::seconds(2);
constexpr Duration kStateInterval = std::chrono::seconds(60);
constexpr Duration kRefusedWait = std::chrono::seconds(1);
// Between deltas that nobody follows.
constexpr std::array<Duration, 4> kDeltaWaits = {
    std::chrono::seconds(10),
    std::chrono::seconds(20),
    std::chrono::seconds(40),
    std::chrono::seconds(60),
};
constexpr Duration kSayAgainWait = std::chrono::seconds(1);
constexpr std::size_t kRefusedKept = 100;

std::string id_of(const json::Value& device) {
    return std::string(object::ns(device)) + '/' + std::string(object::name(device));
}

// A Device of which nobody has heard, and with which nothing is wrong, is left as it is.
bool has_state(const DeviceTwin& twin) {
    const DeviceRecord& record = twin.record();
    return !record.state.empty() || record.last_online_ms != 0 || !record.told_state.empty() ||
           !twin.spec().unserved.empty() || !twin.spec().rejected.empty();
}

}  // namespace

Twins::Twins(std::string node, Random random) : node_(std::move(node)), random_(random) {}

Result<> Twins::restore(const std::string& key, std::string_view text) {
    auto record = DeviceRecord::decode(text);
    if (!record) return fail(record.error().within(key));
    restored_.insert_or_assign(key, std::move(*record));
    return {};
}

Base Twins::base(std::string event_id, const Moment& now) {
    return {.event_id = std::move(event_id), .at_ms = to_ms(now.wall)};
}

Twins::Entry* Twins::touch(const std::string& id) {
    const auto found = devices_.find(id);
    if (found == devices_.end()) return nullptr;
    active_.insert(id);
    return &found->second;
}

// Looks at what an event has made of a device.
void Twins::after(Entry& entry, std::uint64_t changes_before) {
    if (entry.twin.record().changes != changes_before) entry.dirty = true;
    if (entry.twin.desired_version() != entry.desired_version) {
        entry.desired_version = entry.twin.desired_version();
        entry.delta_due = true;
        entry.deltas_in_vain = 0;
    }
}

void Twins::set_device(const json::Value& device, const json::Value* model, const Moment& now) {
    const std::string id = id_of(device);
    DeviceSpec spec = read_device_spec(device, model);
    if (const auto known = devices_.find(id);
        known != devices_.end() && known->second.twin.spec().uid != spec.uid) {
        remove_device(id, now);
    }
    auto found = devices_.find(id);
    if (found == devices_.end()) {
        std::optional<DeviceRecord> record;
        if (const auto row = restored_.extract(id); !row.empty()) record = std::move(row.mapped());
        const bool is_new = !record || record->uid != spec.uid;
        found = devices_.emplace(id, Entry{.twin = DeviceTwin(spec, std::move(record))}).first;
        found->second.dirty = is_new;
        // When the last one was is not known any more.
        if (!is_new) found->second.state_not_before = now.mono + kStateInterval;
        // Differences that an earlier process left are said again.
        found->second.delta_due = true;
        forgotten_.erase(id);
        if (is_new) tell_membership(id, &spec, now);
    } else if (found->second.twin.spec().attributes != spec.attributes) {
        std::map<std::string, std::optional<std::string>> changed;
        const Attributes& before = found->second.twin.spec().attributes;
        for (const auto& [name, value] : before) {
            if (!spec.attributes.contains(name)) changed[name] = std::nullopt;
        }
        for (const auto& [name, value] : spec.attributes) {
            const auto old = before.find(name);
            if (old == before.end() || old->second != value) changed[name] = value;
        }
        publishes_.push_back(
            {attributes_topic(id), attributes_payload(base(random_.uuid(), now), changed), true, {}}
        );
    }
    Entry& entry = *touch(id);
    const std::uint64_t before = entry.twin.record().changes;
    entry.twin.set_spec(std::move(spec), now, linked_);
    after(entry, before);
}

void Twins::remove_device(const std::string& id, const Moment& now) {
    restored_.erase(id);
    forgotten_.insert(id);
    active_.erase(id);
    if (devices_.erase(id) > 0) tell_membership(id, nullptr, now);
}

void Twins::forget_others() {
    for (const auto& [id, record] : std::exchange(restored_, {})) forgotten_.insert(id);
}

void Twins::tell_membership(const std::string& id, const DeviceSpec* added, const Moment& now) {
    MemberView device;
    device.id = id;
    device.name = added != nullptr ? added->name : id.substr(id.find('/') + 1);
    std::vector<MemberView> none;
    std::vector<MemberView> one;
    if (added != nullptr) {
        device.description = added->description;
        device.attributes = added->attributes;
    }
    one.push_back(std::move(device));
    const Base head = base(random_.uuid(), now);
    publishes_.push_back(
        {membership_topic(node_),
         added != nullptr ? membership_payload(head, one, none)
                          : membership_payload(head, none, one),
         true,
         {}}
    );
}

void Twins::message(const Message& message, const Moment& now) {
    const auto topic = parse_topic(message.topic);
    if (!topic || (!topic->node.empty() && topic->node != node_)) {
        ++counters_.ignored;
        return;
    }
    using Kind = Topic::Kind;
    if (message.retained && topic->kind != Kind::twin_update) {
        ++counters_.ignored;  // A question or a state of long ago.
        return;
    }
    if (message.payload.size() > kPayloadBytesMax) {
        refuse(*topic, message, {.event_id = {}, .reason = "the message is too long"}, now);
    } else if (topic->kind == Kind::twin_update) {
        update_twin(*topic, message, now);
    } else if (topic->kind == Kind::state_update) {
        update_state(*topic, message, now);
    } else if (!topic->device.empty()) {
        get(*topic, message, now);
    } else {
        list_members(*topic, message, now);
    }
}

void Twins::answer(const Topic& topic, const Message& message, std::string payload) {
    publishes_.push_back({result_topic(topic), std::move(payload), message.assured, {}});
}

void Twins::refuse(
    const Topic& topic, const Message& message, const Refusal& refusal, const Moment& now
) {
    ++counters_.refused;
    if (refused_.size() < kRefusedKept) {
        refused_.push_back({message.topic, refusal.code, refusal.reason});
    }
    // What a broker kept is answered to nobody.
    if (message.retained) return;
    answer(
        topic, message, error_payload(base(refusal.event_id, now), refusal.code, refusal.reason)
    );
}

void Twins::update_twin(const Topic& topic, const Message& message, const Moment& now) {
    auto update = read_twin_update(message.payload);
    if (!update) return refuse(topic, message, update.error(), now);
    Entry* entry = touch(topic.device);
    if (entry == nullptr) {
        return refuse(
            topic, message,
            {.code = Code::not_found,
             .event_id = update->event_id,
             .reason = "there is no such device"},
            now
        );
    }
    if (message.retained) {
        DeviceTwin::keep_news(*update, entry->twin.record());
        if (update->properties.empty()) {
            ++counters_.ignored;
            return;
        }
    }
    const std::uint64_t before = entry->twin.record().changes;
    auto changes = entry->twin.update(*update, now, linked_);
    if (!changes) return refuse(topic, message, changes.error(), now);
    after(*entry, before);
    entry->delta_due = true;
    counters_.updates += update->properties.size();
    counters_.unchanged += update->properties.size() - changes->document.size();
    const Base head = base(update->event_id, now);
    publishes_.push_back(
        {result_topic(topic), twin_payload(head, changes->result), message.assured, update->event_id
        }
    );
    if (!changes->document.empty()) {
        publishes_.push_back(
            {document_topic(topic.device),
             document_payload(head, changes->document),
             message.assured,
             {}}
        );
    }
}

void Twins::update_state(const Topic& topic, const Message& message, const Moment& now) {
    auto update = read_state_update(message.payload);
    if (!update) return refuse(topic, message, update.error(), now);
    Refusal refusal{.event_id = update->event_id, .reason = {}};
    Entry* entry = touch(topic.device);
    if (entry == nullptr) {
        refusal.code = Code::not_found;
        refusal.reason = "there is no such device";
        return refuse(topic, message, refusal, now);
    }
    const std::uint64_t before = entry->twin.record().changes;
    if (!entry->twin.set_state(update->state, now)) {
        refusal.reason = "state must be one of online, offline, ok, unhealthy, unknown";
        return refuse(topic, message, refusal, now);
    }
    after(*entry, before);
    entry->delta_due = true;  // A mapper that has just started says so.
    const DeviceRecord& record = entry->twin.record();
    publishes_.push_back(
        {result_topic(topic),
         state_payload(
             base(update->event_id, now), entry->twin.spec().name, record.state,
             time_text(record.last_online_ms)
         ),
         message.assured, update->event_id}
    );
}

void Twins::get(const Topic& topic, const Message& message, const Moment& now) {
    auto event_id = read_event_id(message.payload);
    if (!event_id) return refuse(topic, message, event_id.error(), now);
    Entry* entry = touch(topic.device);
    if (entry == nullptr) {
        const Refusal refusal{
            .code = Code::not_found, .event_id = *event_id, .reason = "there is no such device"
        };
        return refuse(topic, message, refusal, now);
    }
    const Base head = base(*event_id, now);
    const DeviceRecord& record = entry->twin.record();
    if (topic.kind == Topic::Kind::twin_get) {
        entry->delta_due = true;
        return answer(topic, message, twin_payload(head, entry->twin.view()));
    }
    answer(
        topic, message,
        state_payload(head, entry->twin.spec().name, record.state, time_text(record.last_online_ms))
    );
}

MemberView Twins::member(const std::string& id, const Entry& entry, bool twin) const {
    const DeviceRecord& record = entry.twin.record();
    const DeviceSpec& spec = entry.twin.spec();
    return {
        .id = id,
        .name = spec.name,
        .description = spec.description,
        .state = record.state,
        .last_online = time_text(record.last_online_ms),
        .attributes = spec.attributes,
        .twin = twin ? entry.twin.view() : TwinView(),
    };
}

void Twins::list_members(const Topic& topic, const Message& message, const Moment& now) {
    auto event_id = read_event_id(message.payload);
    if (!event_id) return refuse(topic, message, event_id.error(), now);
    std::vector<MemberView> members;
    for (const auto& [id, entry] : devices_) {
        members.push_back(member(id, entry, topic.kind == Topic::Kind::membership_detail));
    }
    answer(topic, message, members_payload(base(*event_id, now), members));
}

Result<> Twins::set_desired(
    const std::string& id, const std::string& property, std::string value, std::string who,
    const Moment& now
) {
    Entry* entry = touch(id);
    if (entry == nullptr) return fail(ErrorCode::not_found, "there is no device " + id);
    const std::uint64_t before = entry->twin.record().changes;
    auto set = entry->twin.set_desired(property, std::move(value), std::move(who), now, linked_);
    if (!set) return fail(set.error().within(id));
    after(*entry, before);
    return {};
}

void Twins::set_linked(bool linked, const Moment& now) {
    if (std::exchange(linked_, linked) == linked || !linked) return;
    for (auto& [id, entry] : devices_) {
        const std::uint64_t before = entry.twin.record().changes;
        entry.twin.merge(now);
        if (entry.twin.record().changes == before) continue;
        active_.insert(id);
        after(entry, before);
        for (const auto& [name, property] : entry.twin.record().properties) {
            counters_.conflicts += property.conflict ? 1 : 0;
        }
    }
}

void Twins::broker_connected() {
    for (auto& [id, entry] : devices_) {
        active_.insert(id);
        entry.delta_due = true;
    }
}

void Twins::say_again(const std::string& id, const Moment& now) {
    if (Entry* entry = touch(id)) entry->delta_again = now.mono + kSayAgainWait;
}

bool Twins::awaits_link() const {
    return !linked_ && std::ranges::any_of(devices_, [](const auto& one) {
        return one.second.twin.awaits_link();
    });
}

Effects Twins::take(const Moment& now, const std::function<bool(const Report&)>& accept) {
    Effects effects;
    effects.publishes = std::exchange(publishes_, {});
    for (const std::string& id : std::exchange(forgotten_, {})) {
        effects.forgotten.push_back(id);
    }
    for (auto it = active_.begin(); it != active_.end();) {
        Entry& entry = devices_.at(*it);
        take_reports(*it, entry, now, accept, effects);
        take_delta(*it, entry, now, effects);
        if (entry.dirty) {
            effects.rows.push_back({*it, entry.twin.record().encode()});
            entry.dirty = false;
        }
        it = is_quiet(entry) ? active_.erase(it) : std::next(it);
    }
    return effects;
}

bool Twins::is_quiet(const Entry& entry) {
    return !entry.twin.is_untold() && !entry.delta_again &&
           entry.state_seen == entry.twin.record().changes;
}

void Twins::take_reports(
    const std::string& id, Entry& entry, const Moment& now,
    const std::function<bool(const Report&)>& accept, Effects& effects
) {
    if (entry.twin.is_untold() && entry.report_not_before <= now.mono) {
        Report report{
            .key = "DeviceStatus/" + id,
            .uid = entry.twin.record().uid,
            .body = device_status_body(entry.twin.spec(), entry.twin.record()),
        };
        const bool taken = accept(report);
        entry.report_not_before = now.mono + (taken ? kReportInterval : kRefusedWait);
        if (taken) {
            ++counters_.reports;
            entry.dirty = true;
            entry.twin.set_told(entry.twin.record().changes);
            effects.reports.push_back(std::move(report));
        }
    }
    take_state(id, entry, now, accept, effects);
}

// A while after the first news, since more comes of a device that begins: and then not for long.
void Twins::take_state(
    const std::string& id, Entry& entry, const Moment& now,
    const std::function<bool(const Report&)>& accept, Effects& effects
) {
    const std::uint64_t changes = entry.twin.record().changes;
    if (entry.state_seen == changes) return;
    if (!entry.state_due) {
        std::string body = device_state_body(entry.twin.spec(), entry.twin.record());
        if (body == entry.twin.record().told_state || !has_state(entry.twin)) {
            entry.state_seen = changes;
            return;
        }
        entry.state_due = std::max(entry.state_not_before, now.mono + kStateDelay);
    }
    if (*entry.state_due > now.mono) return;
    Report report{
        .key = "DeviceState/" + id,
        .uid = entry.twin.record().uid,
        .body = device_state_body(entry.twin.spec(), entry.twin.record()),
    };
    if (!accept(report)) {
        entry.state_due = now.mono + kRefusedWait;
        return;
    }
    ++counters_.reports;
    entry.dirty = true;
    entry.state_seen = changes;
    entry.state_due.reset();
    entry.state_not_before = now.mono + kStateInterval;
    entry.twin.set_told_state(report.body);
    effects.reports.push_back(std::move(report));
}

void Twins::take_delta(const std::string& id, Entry& entry, const Moment& now, Effects& effects) {
    const auto delta = entry.twin.differences();
    if (delta.empty()) {
        entry.delta_due = false;
        entry.delta_again.reset();
        entry.deltas_in_vain = 0;
        return;
    }
    if (!entry.delta_due && entry.delta_again && *entry.delta_again > now.mono) return;
    const auto wait = std::min<std::size_t>(
        static_cast<std::size_t>(entry.deltas_in_vain), kDeltaWaits.size() - 1
    );
    if (!entry.delta_due) ++entry.deltas_in_vain;
    entry.delta_due = false;
    entry.delta_again = now.mono + kDeltaWaits[wait];
    TwinView twin = entry.twin.view();
    std::erase_if(twin, [](const auto& one) { return !one.second || !one.second->expected; });
    ++counters_.deltas;
    effects.publishes.push_back(
        {delta_topic(id), delta_payload(base(random_.uuid(), now), twin, delta), true, {}, id}
    );
}

std::vector<Publish> Twins::failed(Effects effects, const std::string& why, const Moment& now) {
    for (const Row& row : effects.rows) {
        if (Entry* entry = touch(row.key)) {
            entry->dirty = true;
            entry->delta_due = true;
        }
    }
    for (const Report& report : effects.reports) {
        const std::size_t slash = report.key.find('/');
        Entry* entry = touch(report.key.substr(slash + 1));
        if (entry == nullptr || entry->twin.record().uid != report.uid) continue;
        if (report.key.starts_with("DeviceStatus/")) {
            entry->twin.set_told(0);
        } else {
            entry->twin.set_told_state({});
            entry->state_seen.reset();
            entry->state_due = now.mono + kRefusedWait;
        }
    }
    for (const std::string& id : effects.forgotten) {
        if (!devices_.contains(id)) forgotten_.insert(id);
    }
    std::vector<Publish> publishes;
    for (Publish& publish : effects.publishes) {
        if (!publish.event_id) continue;
        publish.payload = error_payload(base(*publish.event_id, now), Code::internal, why);
        publishes.push_back(std::move(publish));
    }
    return publishes;
}

std::optional<Instant> Twins::wake_at() const {
    if (!publishes_.empty() || !forgotten_.empty()) return Instant{};
    std::optional<Instant> wake;
    const auto consider = [&wake](Instant at) { wake = std::min(wake.value_or(at), at); };
    for (const std::string& id : active_) {
        const Entry& entry = devices_.at(id);
        if (entry.dirty || entry.delta_due) return Instant{};
        if (entry.twin.is_untold()) consider(entry.report_not_before);
        if (entry.delta_again) consider(*entry.delta_again);
        if (entry.state_seen != entry.twin.record().changes)
            consider(entry.state_due.value_or(Instant{}));
    }
    return wake;
}

const DeviceTwin* Twins::find(const std::string& id) const {
    const auto found = devices_.find(id);
    return found == devices_.end() ? nullptr : &found->second.twin;
}

std::vector<std::string> Twins::ids() const {
    std::vector<std::string> ids;
    for (const auto& [id, entry] : devices_) ids.push_back(id);
    return ids;
}

}  // namespace farhold::twin
