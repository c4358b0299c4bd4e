// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/device_twin.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace farhold::twin {
namespace {

// That a device is still there is no news more often than that.
constexpr std::int64_t kOnlineNewsMs = 60'000;

constexpr std::array<std::string_view, 5> kStates = {
    "online", "offline", "ok", "unhealthy", "unknown",
};

std::string lower(std::string_view text) {
    std::string small(text);
    std::ranges::transform(small, small.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return small;
}

PropertyView view_of(const Property& property) {
    PropertyView view;
    if (property.desired && !property.desired->value.empty()) {
        view.expected = ValueView{property.desired->value, property.desired->at_ms};
    }
    if (property.reported) {
        view.actual = ValueView{property.reported->value, property.reported->at_ms};
    }
    view.optional = property.optional;
    view.type = property.type;
    return view;
}

bool has_desired(const Property& property, std::string_view value) {
    return property.desired ? property.desired->value == value : value.empty();
}

}  // namespace

std::int64_t to_ms(WallTime time) {
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

DeviceTwin::DeviceTwin(DeviceSpec spec, std::optional<DeviceRecord> record)
    : spec_(std::move(spec)) {
    if (record && record->uid == spec_.uid) record_ = std::move(*record);
    record_.uid = spec_.uid;
    online_counted_ms_ = record_.last_online_ms;
}

Property& DeviceTwin::property(const std::string& name) {
    const auto [found, added] = record_.properties.try_emplace(name);
    if (added) {
        if (const devices::ValueRule* rule = spec_.rule_of(name))
            found->second.type = rule->type_name;
    }
    return found->second;
}

void DeviceTwin::set_spec(DeviceSpec spec, const Moment& now, bool linked) {
    const bool other = spec.unserved != spec_.unserved || spec.rejected != spec_.rejected;
    spec_ = std::move(spec);
    if (other || record_.changes == 0) count_change();
    for (const auto& [name, word] : spec_.desired) hear_cloud(name, &word, now, linked);
    for (auto& [name, property] : record_.properties) {
        if (property.cloud && !spec_.desired.contains(name)) hear_cloud(name, nullptr, now, linked);
    }
}

// The same word as before is no news, however often it is heard.
void DeviceTwin::hear_cloud(
    const std::string& name, const DesiredSpec* word, const Moment& now, bool linked
) {
    Property& heard = property(name);
    if (word == nullptr) {
        heard.cloud.reset();
        const bool stood = heard.desired && heard.desired->by_cloud();
        if (stood && !heard.desired->value.empty()) {
            heard.desired->value.clear();
            ++heard.desired->version.cloud;
            heard.desired->at_ms = to_ms(now.wall);
            count_desired();
        }
        return;
    }
    if (heard.cloud && heard.cloud->mark == word->mark) return;
    const std::int64_t at_ms = word->at_ms != 0 ? word->at_ms : to_ms(now.trusted);
    heard.cloud = CloudWord{.value = word->value, .mark = word->mark, .at_ms = at_ms};
    if (!heard.desired || !heard.desired->unmerged) {
        take_cloud(heard, now);
    } else if (linked) {
        merge_one(heard, now);
    }
}

void DeviceTwin::take_cloud(Property& property, const Moment& now) {
    Desired desired = property.desired.value_or(Desired{});
    desired.value = property.cloud->value;
    desired.who.clear();
    ++desired.version.cloud;
    desired.at_ms = to_ms(now.wall);
    desired.stamp = desired.stamp.next(property.cloud->at_ms);
    desired.proved_ms = 0;
    desired.unmerged = false;
    property.desired = std::move(desired);
    property.conflict.reset();
    count_desired();
}

// Heard of the cloud's value before: later than it, even if the clock here is behind.
void DeviceTwin::take_machine(
    Property& property, std::string value, std::string who, const Moment& now, bool linked
) {
    Desired desired = property.desired.value_or(Desired{});
    desired.value = std::move(value);
    desired.who = std::move(who);
    ++desired.version.edge;
    desired.at_ms = to_ms(now.wall);
    desired.stamp = desired.stamp.next(std::max(to_ms(now.wall), to_ms(now.trusted)));
    desired.proved_ms = to_ms(now.trusted);
    desired.unmerged = !linked;
    property.desired = std::move(desired);
    property.conflict.reset();
    count_desired();
}

void DeviceTwin::merge(const Moment& now) {
    for (auto& [name, property] : record_.properties) {
        if (property.desired && property.desired->unmerged) merge_one(property, now);
    }
}

void DeviceTwin::merge_one(Property& property, const Moment& now) {
    Desired& here = *property.desired;
    here.unmerged = false;
    count_change();
    if (!property.cloud || property.cloud->value == here.value) return;
    const std::int64_t true_ms = to_ms(now.trusted);
    // A clock that ran ahead has no say; what was proved then is not after the truth.
    if (here.stamp.ms > true_ms) here.stamp = Stamp{std::min(here.proved_ms, true_ms), 0};
    const bool machine_stands =
        spec_.rule == ConflictRule::machine ||
        (spec_.rule == ConflictRule::newest && here.stamp > Stamp{property.cloud->at_ms, 0});
    const Conflict conflict{
        .cloud = property.cloud->value,
        .machine = here.value,
        .machine_stands = machine_stands,
        .at_ms = to_ms(now.wall),
    };
    if (!machine_stands) take_cloud(property, now);
    property.conflict = conflict;
}

std::optional<std::string> DeviceTwin::trouble_with(
    const std::string& name, const PropertyUpdate& update
) const {
    const auto known = record_.properties.find(name);
    const devices::ValueRule* rule = spec_.rule_of(name);
    devices::ValueRule own;
    if (rule == nullptr) {
        const std::string type =
            known != record_.properties.end() ? known->second.type : update.type.value_or("string");
        own.type = devices::parse_value_type(type).value_or(devices::ValueType::text);
        rule = &own;
    }
    if (update.actual && !update.actual->empty()) {
        const auto fits = devices::check_value(*rule, *update.actual);
        if (!fits) return "actual.value " + fits.error().message();
    }
    const bool same = update.expected && known != record_.properties.end() &&
                      has_desired(known->second, *update.expected);
    if (!update.expected || same ||
        (update.expected->empty() && known == record_.properties.end())) {
        return std::nullopt;
    }
    if (rule->read_only) return "expected: the property is ReadOnly";
    if (!update.expected->empty()) {
        const auto fits = devices::check_value(*rule, *update.expected);
        if (!fits) return "expected.value " + fits.error().message();
    }
    return std::nullopt;
}

std::expected<TwinChanges, Refusal> DeviceTwin::update(
    const TwinUpdate& update, const Moment& now, bool linked
) {
    const auto refuse = [&](Code code, std::string reason) {
        return std::unexpected(
            Refusal{.code = code, .event_id = update.event_id, .reason = std::move(reason)}
        );
    };
    std::size_t fresh = 0;
    for (const auto& [name, one] : update.properties) {
        const auto known = record_.properties.find(name);
        fresh += known == record_.properties.end() && !one.remove ? 1 : 0;
        if (const auto trouble = trouble_with(name, one)) {
            return refuse(Code::bad_request, "twin." + name + '.' + *trouble);
        }
        const bool is_set = one.expected && known != record_.properties.end() &&
                            !has_desired(known->second, *one.expected);
        if (is_set && linked && spec_.rule == ConflictRule::cloud && spec_.desired.contains(name)) {
            return refuse(
                Code::conflict, "twin." + name + ".expected: the cloud's value stands (" +
                                    std::string(kConflictAnnotation) + " is cloud)"
            );
        }
    }
    if (record_.properties.size() + fresh > kPropertiesMax) {
        return refuse(Code::bad_request, "twin: the device has too many properties");
    }
    TwinChanges changes;
    for (const auto& [name, one] : update.properties) {
        if (one.remove) {
            apply_removal(name, changes);
        } else {
            apply(name, one, update.sent_ms, now, linked, changes);
        }
    }
    return changes;
}

void DeviceTwin::keep_news(TwinUpdate& update, const DeviceRecord& record) {
    std::erase_if(update.properties, [&](const auto& one) {
        const auto known = record.properties.find(one.first);
        if (one.second.remove || one.second.expected) return true;
        if (known == record.properties.end() || !known->second.reported) return false;
        return update.sent_ms == 0 || update.sent_ms <= known->second.reported->sent_ms;
    });
}

void DeviceTwin::apply_removal(const std::string& name, TwinChanges& changes) {
    const auto known = record_.properties.find(name);
    if (known == record_.properties.end() || !known->second.optional) return;
    changes.document[name].last = view_of(known->second);
    changes.result[name] = std::nullopt;
    if (known->second.cloud) {
        known->second.reported.reset();  // What the cloud desires is not for a message to remove.
        changes.document[name].current = view_of(known->second);
    } else {
        record_.properties.erase(known);
    }
    count_change();
}

void DeviceTwin::apply(
    const std::string& name, const PropertyUpdate& update, std::int64_t sent_ms, const Moment& now,
    bool linked, TwinChanges& changes
) {
    const auto known = record_.properties.find(name);
    const bool is_new = known == record_.properties.end();
    const std::uint64_t before_changes = record_.changes;
    std::optional<PropertyView> before;
    if (!is_new) before = view_of(known->second);
    Property& one = property(name);
    if (is_new) {
        if (update.type && spec_.rule_of(name) == nullptr) one.type = *update.type;
        count_change();
    }
    if (update.optional && one.optional && !*update.optional) {
        one.optional = false;
        count_change();
    }
    if (update.expected && !has_desired(one, *update.expected)) {
        take_machine(one, *update.expected, "mqtt", now, linked);
    }
    const std::int64_t now_ms = to_ms(now.wall);
    if (update.actual && (!one.reported || one.reported->value != *update.actual)) {
        Reported reported = one.reported.value_or(Reported{});
        reported.value = *update.actual;
        ++reported.version.edge;
        reported.at_ms = now_ms;
        reported.sent_ms = sent_ms;
        one.reported = std::move(reported);
        record_.last_online_ms = now_ms;
        count_change();
    }
    PropertyView view;
    if (is_new) {
        view = view_of(one);
    } else {
        if (update.expected) view.expected = ValueView{*update.expected, now_ms};
        if (update.actual) view.actual = ValueView{*update.actual, now_ms};
        view.optional = one.optional;
        view.type = one.type;
    }
    changes.result[name] = std::move(view);
    if (record_.changes != before_changes) {
        changes.document[name] = DocumentEntry{.last = std::move(before), .current = view_of(one)};
    }
}

bool DeviceTwin::set_state(std::string_view state, const Moment& now) {
    const std::string small = lower(state);
    if (std::ranges::find(kStates, small) == kStates.end()) return false;
    if (record_.state != state) {
        record_.state = state;
        count_change();
    }
    if (small == "online" || small == "ok") {
        record_.last_online_ms = to_ms(now.wall);
        if (record_.last_online_ms - online_counted_ms_ >= kOnlineNewsMs ||
            record_.last_online_ms < online_counted_ms_) {
            online_counted_ms_ = record_.last_online_ms;
            count_change();
        }
    }
    return true;
}

Result<> DeviceTwin::set_desired(
    const std::string& property, std::string value, std::string who, const Moment& now, bool linked
) {
    TwinUpdate update;
    update.properties[property].expected = value;
    const bool known = record_.properties.contains(property);
    if (!known && spec_.rule_of(property) == nullptr) {
        return fail(ErrorCode::not_found, "the device has no property " + property);
    }
    if (const auto trouble = trouble_with(property, update.properties[property])) {
        return fail(ErrorCode::invalid_argument, property + ": " + *trouble);
    }
    if (linked && spec_.rule == ConflictRule::cloud && spec_.desired.contains(property)) {
        return fail(
            ErrorCode::conflict, property + ": the cloud's value stands (" +
                                     std::string(kConflictAnnotation) + " is cloud)"
        );
    }
    take_machine(this->property(property), std::move(value), std::move(who), now, linked);
    return {};
}

TwinView DeviceTwin::view() const {
    TwinView twin;
    for (const auto& [name, property] : record_.properties) twin[name] = view_of(property);
    return twin;
}

bool DeviceTwin::awaits_link() const {
    return std::ranges::any_of(record_.properties, [](const auto& one) {
        return one.second.desired && one.second.desired->unmerged;
    });
}

std::map<std::string, std::string> DeviceTwin::differences() const {
    std::map<std::string, std::string> delta;
    for (const auto& [name, property] : record_.properties) {
        if (!property.desired || property.desired->value.empty()) continue;
        if (!property.reported || property.reported->value != property.desired->value) {
            delta[name] = property.desired->value;
        }
    }
    return delta;
}

}  // namespace farhold::twin
