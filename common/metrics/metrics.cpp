// SPDX-License-Identifier: Apache-2.0
#include "common/metrics/metrics.hpp"

#include "common/base/ensure.hpp"

#include <fmt/format.h>

namespace farhold::metrics {

namespace {

std::string label_text(const Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels) {
        text += fmt::format("{}{}=\"", text.empty() ? "" : ",", key);
        for (const char c : value) {
            if (c == '\\' || c == '"') text.push_back('\\');
            if (c == '\n') {
                text += "\\n";
            } else {
                text.push_back(c);
            }
        }
        text.push_back('"');
    }
    return text.empty() ? text : "{" + text + "}";
}

template <class Series>
Series& find_or_make(std::map<std::string, std::unique_ptr<Series>>& all, const Labels& labels) {
    auto& series = all[label_text(labels)];
    if (!series) series = std::make_unique<Series>();
    return *series;
}

}  // namespace

Registry::Family& Registry::family(std::string_view name, std::string_view help, bool is_counter) {
    auto found = families_.find(name);
    if (found == families_.end()) {
        found = families_.try_emplace(std::string(name)).first;
        found->second.help = help;
        found->second.is_counter = is_counter;
    }
    ensure(found->second.is_counter == is_counter, "a metric is a counter or a gauge, not both");
    return found->second;
}

Counter& Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
    const std::lock_guard lock(mutex_);
    return find_or_make(family(name, help, true).counters, labels);
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
    const std::lock_guard lock(mutex_);
    return find_or_make(family(name, help, false).gauges, labels);
}

std::string Registry::render() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [name, family] : families_) {
        text += fmt::format("# HELP {} {}\n", name, family.help);
        text += fmt::format("# TYPE {} {}\n", name, family.is_counter ? "counter" : "gauge");
        for (const auto& [labels, counter] : family.counters) {
            text += fmt::format("{}{} {}\n", name, labels, counter->value());
        }
        for (const auto& [labels, gauge] : family.gauges) {
            text += fmt::format("{}{} {}\n", name, labels, gauge->value());
        }
    }
    return text;
}

}  // namespace farhold::metrics
