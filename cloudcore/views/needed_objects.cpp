// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/needed_objects.hpp"

namespace farhold::views {

bool is_referred_kind(std::string_view kind) {
    return kind == "ConfigMap" || kind == "Secret" || kind == "ServiceAccount";
}

void NeededObjects::need(const object::ObjectKey& key) {
    const auto [entry, is_new] = needed_.try_emplace(key);
    Need& need = entry->second;
    unanswered_ += is_new ? 1 : 0;
    if (need.state == State::present) return;
    need.state = State::unknown;
    need.asked = 0;
    set_due(*entry, true, need.not_before);
}

void NeededObjects::forget(const object::ObjectKey& key) {
    const auto entry = needed_.find(key);
    if (entry == needed_.end()) return;
    set_due(*entry, false);
    set_answered(entry->second);
    needed_.erase(entry);
}

void NeededObjects::changed(const object::ObjectKey& key, std::string_view version) {
    const auto entry = needed_.find(key);
    if (entry == needed_.end()) return;
    Need& need = entry->second;
    need.told = version;
    if (need.told != need.version) set_due(*entry, true, need.not_before);
}

void NeededObjects::listed(const object::ObjectKey& key) {
    const auto entry = needed_.find(key);
    if (entry == needed_.end()) return;
    Need& need = entry->second;
    need.told.clear();
    need.asked = 0;
    set_due(*entry, true, need.not_before);
}

void NeededObjects::removed(const object::ObjectKey& key) {
    const auto entry = needed_.find(key);
    if (entry == needed_.end()) return;
    Need& need = entry->second;
    need.asked = 0;
    set_due(*entry, false);
    need.state = State::absent;
    need.version.clear();
    need.told.clear();
    need.refusal.clear();
    set_answered(need);
}

void NeededObjects::another_removed(const object::ObjectKey& key) {
    const auto entry = needed_.find(key);
    if (entry == needed_.end() || entry->second.state != State::unknown) return;
    entry->second.asked = 0;
    set_due(*entry, true);
}

std::optional<Fetch> NeededObjects::take_due(Instant now) {
    if (queue_.empty() || queue_.begin()->first > now) return std::nullopt;
    Entry& entry = *needed_.find(queue_.begin()->second);
    set_due(entry, false);
    entry.second.asked = ++last_number_;
    return Fetch{entry.first, last_number_};
}

std::optional<Instant> NeededObjects::next_due() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->first);
}

bool NeededObjects::finish(const Fetch& fetch) {
    const auto entry = needed_.find(fetch.key);
    if (entry == needed_.end() || entry->second.asked != fetch.number) return false;
    entry->second.asked = 0;
    return true;
}

void NeededObjects::arrived(const object::ObjectKey& key, std::string_view version) {
    Entry& entry = *needed_.find(key);
    Need& need = entry.second;
    need.state = State::present;
    need.version = version;
    need.refusal.clear();
    set_due(entry, need.due && need.told != need.version);
    set_answered(need);
}

void NeededObjects::absent(const object::ObjectKey& key) {
    Entry& entry = *needed_.find(key);
    Need& need = entry.second;
    // What is in the views goes when a watch or a list says so.
    if (need.state == State::unknown) need.state = State::absent;
    need.refusal.clear();
    set_due(entry, need.due);
    set_answered(need);
}

void NeededObjects::refused(const object::ObjectKey& key, std::string reason, Instant ask_again) {
    Entry& entry = *needed_.find(key);
    entry.second.refusal = std::move(reason);
    set_due(entry, true, ask_again);
    set_answered(entry.second);
}

void NeededObjects::unanswered(const object::ObjectKey& key) {
    set_due(*needed_.find(key), true);
}

bool NeededObjects::settled(const object::ObjectKey& key) const {
    const auto entry = needed_.find(key);
    return entry != needed_.end() && entry->second.state != State::unknown;
}

std::string_view NeededObjects::refusal(const object::ObjectKey& key) const {
    const auto entry = needed_.find(key);
    return entry == needed_.end() ? std::string_view() : std::string_view(entry->second.refusal);
}

void NeededObjects::set_due(Entry& entry, bool due, Instant not_before) {
    Need& need = entry.second;
    if (need.due) queue_.erase({need.not_before, entry.first});
    need.due = due;
    need.not_before = not_before;
    if (due && need.asked == 0) queue_.emplace(not_before, entry.first);
}

void NeededObjects::set_answered(Need& need) {
    unanswered_ -= need.answered ? 0 : 1;
    need.answered = true;
}

}  // namespace farhold::views
