// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/store_watch.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::edge {

using store::Health;

StoreWatch::StoreWatch(const store::StateKeeper& keeper, std::function<void(node::NodeEvent)> tell)
    : keeper_(keeper), tell_(std::move(tell)) {}

void StoreWatch::begin() {
    const store::LoadReport& report = keeper_.load_report();
    if (report.went_back) {
        tell_({.reason = "StoreWentBack", .message = report.findings.back()});
    }
    const std::size_t damaged =
        report.damaged_desired + report.damaged_reports + report.damaged_memory;
    if (damaged > 0 || !report.replaced_database.empty()) {
        tell_({
            .reason = "StoreDamaged",
            .message = fmt::format(
                "{} damaged rows in the machine's store, {} of them reports; objects are fetched "
                "again, the damaged file is kept as {}",
                damaged, report.damaged_reports, report.replaced_database
            ),
        });
    }
    look();
}

bool StoreWatch::look() {
    const Health health = keeper_.health();
    if (health == seen_) return false;
    if (health == Health::sound) {
        tell_({
            .reason = seen_ == Health::full ? "DiskHasRoom" : "StoreWritable",
            .message = "the machine's store can be written again",
            .warning = false,
        });
    } else {
        tell_({
            .reason = health == Health::full ? "DiskFull" : "StoreNotWritable",
            .message = keeper_.trouble(),
        });
    }
    seen_ = health;
    return true;
}

node::StoreFacts StoreWatch::facts() const {
    return {
        .full = keeper_.health() == Health::full,
        .failing = keeper_.health() == Health::failing,
        .message = keeper_.trouble(),
    };
}

std::string integrity_of(const store::StateKeeper& keeper, bool went_back) {
    const store::LoadReport& loaded = keeper.load_report();
    if (!keeper.trouble().empty()) {
        return fmt::format(
            "{} ({} reports wait in memory)", keeper.trouble(), keeper.reports_held()
        );
    }
    if (went_back) return "went back in time: the hub knows a later state of this store";
    if (loaded.clean()) return "ok";
    return fmt::format("ok now; at the start: {}", loaded.findings.front());
}

}  // namespace farhold::edge
