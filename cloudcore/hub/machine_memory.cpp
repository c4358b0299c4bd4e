// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/machine_memory.hpp"

#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace farhold::hub {
namespace {

using json::Value;

constexpr std::string_view kStore = "farhold.io/store-uuid";
constexpr std::string_view kGeneration = "farhold.io/store-generation";
constexpr std::string_view kReportsLost = "farhold.io/reports-lost";
constexpr std::string_view kHolder = "farhold.io/process";
constexpr std::string_view kProcesses = "farhold.io/processes";
constexpr std::string_view kRefused = "farhold.io/refused-process";
constexpr std::string_view kWentBack = "farhold.io/went-back-process";

std::string text_in(const Value& lease, std::string_view annotation) {
    return std::string(object::annotation(lease, annotation).value_or(""));
}

std::uint64_t number_in(const Value& lease, std::string_view annotation) {
    const std::string text = text_in(lease, annotation);
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

WallTime time_in(const Value& lease, std::string_view field) {
    const auto time = object::parse_time(lease.text_at({"spec", field}));
    return time ? *time : WallTime{};
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end > 0) {
            words.emplace_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

bool is_before(
    const std::vector<std::string>& all, const std::string& one, std::string_view other
) {
    return std::ranges::find(all, one) < std::ranges::find(all, other);
}

void move_to_front(std::vector<std::string>& all, const std::string& one) {
    std::erase(all, one);
    all.insert(all.begin(), one);
}

// Behind the holder, before whatever came earlier than that and has been dead for long.
void append(std::vector<std::string>& all, const std::string& one) {
    if (all.size() >= kProcessesMax) {
        all.erase(all.begin());
    }
    all.push_back(one);
}

bool lives(const MachineMemory& memory, WallTime now) {
    const Duration age = now - std::max(memory.renewed, memory.acquired);
    return age < kHolderSilence && age > -kHolderSilence;
}

void admit(Judgement& judgement, const Claim& claim) {
    MachineMemory& next = judgement.next;
    const tunnel::Hello& hello = claim.hello;
    const bool same_store = next.store_uuid == hello.store_uuid;
    const bool known = std::ranges::find(next.processes, hello.process) != next.processes.end();
    if (!same_store) {
        next.store_uuid = hello.store_uuid;
        next.acked_seq = 0;
        next.generation = 0;
        next.reports_lost = 0;
    }
    // Each start raises the generation, on the disk, before the machine says hello. 0: it could not.
    const bool older =
        hello.generation != 0 && next.generation != 0 && hello.generation <= next.generation;
    const bool fewer = hello.seq_high < next.acked_seq;
    if (fewer || (older && !known)) {
        judgement.went_back_is_news = hello.process.empty() || next.went_back != hello.process;
        next.went_back = hello.process;
    }
    judgement.went_back = fewer || (!hello.process.empty() && next.went_back == hello.process);
    judgement.reports_lost =
        hello.reports_lost > next.reports_lost ? hello.reports_lost - next.reports_lost : 0;
    next.reports_lost = hello.reports_lost;
    if (hello.generation != 0) {
        next.generation = hello.generation;
    }
    next.epoch = std::max(next.epoch + 1, claim.epoch_floor);
    if (next.holder != hello.process) {
        next.acquired = claim.now;
    }
    next.holder = hello.process;
}

}  // namespace

MachineMemory MachineMemory::read(const Value& lease) {
    MachineMemory memory;
    memory.epoch = number_in(lease, kEpoch);
    memory.store_uuid = text_in(lease, kStore);
    const std::uint64_t acked = number_in(lease, kAcked);
    // What no machine can have reported is as good as nothing.
    memory.acked_seq = acked <= tunnel::kSeqMax ? acked : 0;
    memory.generation = number_in(lease, kGeneration);
    memory.reports_lost = number_in(lease, kReportsLost);
    memory.holder = text_in(lease, kHolder);
    memory.processes = words_of(text_in(lease, kProcesses));
    memory.refused = text_in(lease, kRefused);
    memory.went_back = text_in(lease, kWentBack);
    memory.acquired = time_in(lease, "acquireTime");
    memory.renewed = time_in(lease, "renewTime");
    return memory;
}

void MachineMemory::write(Value& lease) const {
    std::string words;
    for (const std::string& process : processes) {
        words += words.empty() ? process : ' ' + process;
    }
    const std::pair<std::string_view, std::string> all[] = {
        {kEpoch, std::to_string(epoch)},
        {kStore, store_uuid},
        {kAcked, std::to_string(acked_seq)},
        {kGeneration, std::to_string(generation)},
        {kReportsLost, std::to_string(reports_lost)},
        {kHolder, holder},
        {kProcesses, words},
        {kRefused, refused},
        {kWentBack, went_back},
    };
    for (const auto& [name, value] : all) {
        object::set_annotation(lease, name, value);
    }
    lease.ensure_path({"spec"}).set("acquireTime", Value::of(object::format_micro_time(acquired)));
}

Judgement judge(const MachineMemory& memory, const Claim& claim) {
    Judgement judgement;
    judgement.next = memory;
    std::vector<std::string>& processes = judgement.next.processes;
    const std::string& process = claim.hello.process;
    const bool known = std::ranges::find(processes, process) != processes.end();
    if (!known || process == memory.holder || !lives(memory, claim.now)) {
        // Whoever returns to a node that nobody holds has the right of way from now on.
        admit(judgement, claim);
        if (known && process != memory.holder) {
            move_to_front(processes, process);
            judgement.next.refused.clear();
        } else if (!known && !process.empty()) {
            append(processes, process);
        }
        return judgement;
    }
    if (claim.opened < memory.acquired) {
        judgement.verdict = Verdict::overtaken;
        return judgement;
    }
    const bool first = is_before(processes, process, memory.holder);
    const std::string& later = first ? memory.holder : process;
    judgement.verdict = first ? Verdict::takes_back : Verdict::cloned;
    judgement.clone_is_news = memory.refused != later;
    judgement.next.refused = later;
    if (first) {
        admit(judgement, claim);
    }
    return judgement;
}

}  // namespace farhold::hub
