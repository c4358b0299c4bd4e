// SPDX-License-Identifier: Apache-2.0
#include "edgecore/link/report_queue.hpp"

#include "common/base/ensure.hpp"
#include "common/object/object_key.hpp"

#include <ranges>
#include <utility>

namespace farhold::link {

bool ReportQueue::submit(tunnel::Report report) {
    ensure(report.cls != tunnel::ReportClass::durable, "durable reports go through the store");
    if (report.body.size() > tunnel::kReportBytesMax) {
        return false;
    }
    if (report.cls == tunnel::ReportClass::event) {
        return submit_event(std::move(report));
    }
    if (latest_.size() >= kReportKeysMax && !latest_.contains(report.key)) {
        return false;
    }
    const auto [known, added] = latest_.try_emplace(report.key);
    Latest& latest = known->second;
    if (!added && latest.uid == report.uid && latest.body == report.body) {
        return true;
    }
    latest.uid = std::move(report.uid);
    latest.body = std::move(report.body);
    unsent_.insert(std::move(report.key));
    return true;
}

bool ReportQueue::submit_event(tunnel::Report report) {
    events_.push_back(std::move(report));
    if (events_.size() <= kEventsMax) {
        return true;
    }
    events_.pop_front();
    return false;
}

void ReportQueue::forget(const std::string& key) {
    latest_.erase(key);
    unsent_.erase(key);
}

void ReportQueue::begin_session(std::uint64_t inherited_up_to) {
    for (InFlight& sent : in_flight_ | std::views::values | std::views::reverse) {
        if (sent.event && events_.size() < kEventsMax) {
            events_.push_front(std::move(*sent.event));
        }
    }
    in_flight_.clear();
    bytes_in_flight_ = 0;
    ordinal_ = 0;
    last_seq_ = 0;
    late_.clear();
    inherited_up_to_ = inherited_up_to;
    for (auto& [key, latest] : latest_) {
        latest.in_flight = false;
        unsent_.insert(key);
    }
}

std::vector<tunnel::Report> ReportQueue::take(
    const store::Outbox& outbox, const store::DesiredState& desired
) {
    std::vector<tunnel::Report> out;
    if (take_durable(outbox, desired, out) && take_derived(outbox, out)) {
        take_events(out);
    }
    return out;
}

bool ReportQueue::waits(const store::ReportRow& row, const store::DesiredState& desired) const {
    if (row.seq > inherited_up_to_) {
        return false;
    }
    const auto about = object::ObjectKey::parse(row.key);
    if (!about || about->kind != "PodStatus") {
        return false;
    }
    const store::DesiredRow* pod = desired.find({"Pod", about->ns, about->name});
    const auto latest = latest_.find(row.key);
    const bool has_word = latest != latest_.end() && latest->second.uid == row.uid;
    const bool wanted = pod != nullptr ? pod->uid == row.uid : !desired.complete();
    return wanted && !has_word;
}

bool ReportQueue::take_durable(
    const store::Outbox& outbox, const store::DesiredState& desired,
    std::vector<tunnel::Report>& out
) {
    if (!take_late(outbox, desired, out)) {
        return false;
    }
    for (;;) {
        const auto rows = outbox.window(last_seq_, tunnel::kReportWindow);
        if (rows.empty()) {
            return true;
        }
        for (const store::ReportRow* row : rows) {
            if (waits(*row, desired)) {
                late_.insert(row->key);
            } else if (!take_row(*row, out)) {
                return false;
            }
            last_seq_ = row->seq;
        }
    }
}

bool ReportQueue::take_late(
    const store::Outbox& outbox, const store::DesiredState& desired,
    std::vector<tunnel::Report>& out
) {
    for (auto key = late_.begin(); key != late_.end();) {
        const store::ReportRow* row = outbox.find(*key);
        const bool is_it = row != nullptr && row->seq <= last_seq_;
        if (is_it && waits(*row, desired)) {
            ++key;
            continue;
        }
        if (is_it && !take_row(*row, out)) {
            return false;
        }
        key = late_.erase(key);
    }
    return true;
}

bool ReportQueue::take_row(const store::ReportRow& row, std::vector<tunnel::Report>& out) {
    tunnel::Report report{
        .cls = tunnel::ReportClass::durable,
        .key = row.key,
        .uid = row.uid,
        .seq = row.seq,
        .body = row.body,
    };
    const auto latest = latest_.find(row.key);
    const bool has_word = latest != latest_.end() && latest->second.uid == row.uid;
    if (has_word && row.seq <= inherited_up_to_) {
        report.body = latest->second.body;
    }
    if (!fits(report)) {
        return false;
    }
    if (has_word && latest->second.body == report.body) {
        unsent_.erase(row.key);
    }
    launch(std::move(report), out);
    return true;
}

bool ReportQueue::take_derived(const store::Outbox& outbox, std::vector<tunnel::Report>& out) {
    for (auto key = unsent_.begin(); key != unsent_.end();) {
        Latest& latest = latest_.at(*key);
        if (latest.in_flight || outbox.find(*key) != nullptr) {
            ++key;
            continue;
        }
        tunnel::Report report{
            .cls = tunnel::ReportClass::derived,
            .key = *key,
            .uid = latest.uid,
            .body = latest.body,
        };
        if (!fits(report)) {
            return false;
        }
        latest.in_flight = true;
        key = unsent_.erase(key);
        launch(std::move(report), out);
    }
    return true;
}

void ReportQueue::take_events(std::vector<tunnel::Report>& out) {
    while (!events_.empty() && fits(events_.front())) {
        tunnel::Report report = std::move(events_.front());
        events_.pop_front();
        launch(std::move(report), out);
    }
}

bool ReportQueue::fits(const tunnel::Report& report) const {
    return in_flight_.empty() ||
           (in_flight_.size() < tunnel::kReportWindow &&
            bytes_in_flight_ + tunnel::size_of(report) <= tunnel::kReportWindowBytes);
}

void ReportQueue::launch(tunnel::Report report, std::vector<tunnel::Report>& out) {
    InFlight sent{
        .key = report.key, .seq = report.seq, .bytes = tunnel::size_of(report), .event = {}
    };
    if (report.cls == tunnel::ReportClass::event) {
        sent.event = report;
    }
    bytes_in_flight_ += sent.bytes;
    in_flight_.emplace(++ordinal_, std::move(sent));
    out.push_back(std::move(report));
}

std::optional<SentReport> ReportQueue::acknowledge(std::uint64_t ordinal) {
    const auto found = in_flight_.find(ordinal);
    if (found == in_flight_.end()) {
        return std::nullopt;
    }
    const InFlight sent = std::move(found->second);
    in_flight_.erase(found);
    bytes_in_flight_ -= sent.bytes;
    if (const auto latest = latest_.find(sent.key);
        sent.seq == 0 && !sent.event && latest != latest_.end()) {
        latest->second.in_flight = false;
    }
    const auto cls = sent.event      ? tunnel::ReportClass::event
                     : sent.seq != 0 ? tunnel::ReportClass::durable
                                     : tunnel::ReportClass::derived;
    return SentReport{sent.key, sent.seq, cls};
}

}  // namespace farhold::link
