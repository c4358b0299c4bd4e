// SPDX-License-Identifier: Apache-2.0
#include "store_history.hpp"

#include <algorithm>
#include <memory>
#include <ranges>
#include <utility>

namespace farhold::test {

namespace {

constexpr std::size_t kNames = 20;

std::string text_of(const store::DesiredRow& row) {
    return row.uid + "|" + row.resource_version + "|" + row.hash + "|" +
           std::to_string(row.encoding) + "|" + *row.content;
}

std::string text_of(const store::ReportRow& row) {
    return row.key + "|" + row.uid + "|" + row.body;
}

store::DesiredRow desired(std::size_t number) {
    const std::string name = "pod-" + std::to_string(number % kNames);
    store::DesiredRow row;
    row.key = object::ObjectKey{"Pod", "default", name};
    row.uid = "uid-of-" + name;
    row.resource_version = std::to_string(number);
    row.hash = std::string(16, static_cast<char>(number % 256));
    row.encoding = 1;
    // Of the size of a pod; no two bytes of it in the same place twice.
    std::string content = R"({"number":")";
    for (std::size_t word = 0; word < 120; ++word) {
        content += std::to_string(number * 1000 + word) + " ";
    }
    row.content = std::make_shared<const std::string>(content + "\"}");
    return row;
}

store::ReportRow report(std::size_t number) {
    store::ReportRow row;
    row.seq = number;
    row.key = "PodStatus/default/pod-" + std::to_string(number % kNames);
    row.uid = "uid";
    row.body = R"({"restarts":)" + std::to_string(number) + "}";
    return row;
}

}  // namespace

StoreHistory::StoreHistory(std::size_t commits) {
    states_.emplace_back();
    for (std::size_t number = 1; number <= commits; ++number) {
        store::StoreBatch batch;
        batch.upserts.push_back(desired(number));
        batch.reports.push_back(report(number));
        batch.memory.push_back({"uid-" + std::to_string(number % kNames), std::to_string(number)});
        if (number % 5 == 0) batch.removals.push_back(desired(number + 7).key);
        if (number % 3 == 0) batch.acknowledged.push_back(number - 2);
        batch.complete = true;
        apply(batch);
        batches_.push_back(std::move(batch));
    }
}

void StoreHistory::apply(const store::StoreBatch& batch) {
    State state = states_.back();
    for (const auto& key : batch.removals) state.desired.erase(key.text());
    for (const auto& row : batch.upserts) state.desired[row.key.text()] = text_of(row);
    for (const auto& row : batch.reports) {
        // The newest of a key takes the place of the older one.
        std::erase_if(state.reports, [&](const auto& old) {
            return old.second.starts_with(row.key + "|");
        });
        state.reports[std::to_string(row.seq)] = text_of(row);
    }
    for (const auto seq : batch.acknowledged) state.reports.erase(std::to_string(seq));
    for (const auto& row : batch.memory) state.memory[row.pod_uid] = row.text;
    for (const auto& [key, text] : state.desired) ever_committed_.insert("d " + key + " " + text);
    for (const auto& [seq, text] : state.reports) ever_committed_.insert("r " + seq + " " + text);
    for (const auto& [uid, text] : state.memory) ever_committed_.insert("m " + uid + " " + text);
    states_.push_back(std::move(state));
}

StoreHistory::State StoreHistory::state_of(const store::StoreContents& contents) {
    State state;
    for (const auto& row : contents.desired) state.desired[row.key.text()] = text_of(row);
    for (const auto& row : contents.reports) state.reports[std::to_string(row.seq)] = text_of(row);
    for (const auto& row : contents.memory) state.memory[row.pod_uid] = row.text;
    return state;
}

std::string StoreHistory::judge(const store::StoreContents& contents) const {
    const State state = state_of(contents);
    const auto invented = [this](const char* kind, const Rows& rows) -> std::string {
        for (const auto& [key, text] : rows) {
            if (!ever_committed_.contains(kind + key + " " + text)) {
                return "served and never committed: " + key + " " + text;
            }
        }
        return {};
    };
    for (const auto& [kind, rows] :
         {std::pair("d ", &state.desired), {"r ", &state.reports}, {"m ", &state.memory}}) {
        if (auto wrong = invented(kind, *rows); !wrong.empty()) return wrong;
    }
    const auto was = [&](const auto& same) { return std::ranges::any_of(states_, same); };
    if (contents.meta.complete &&
        !was([&](const State& one) { return one.desired == state.desired; })) {
        return "objects are missing, and yet it says that it is complete";
    }
    if (contents.report.clean() && !was([&](const State& one) { return one == state; })) {
        return "damage without a word";
    }
    return {};
}

bool StoreHistory::is_newest(const store::StoreContents& contents) const {
    return state_of(contents) == states_.back();
}

}  // namespace farhold::test
