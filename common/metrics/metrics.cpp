// SPDX-License-Identifier: Apache-2.0
#include "common/metrics/metrics.hpp"

#include <algorithm>
#include <utility>

namespace farhold::metrics {

template <class Series>
Series& Registry::find_or_make(
    std::vector<std::unique_ptr<Owned<Series>>>& all, std::string_view name, std::string_view help,
    const Labels& labels
) {
    const auto found = std::ranges::find_if(all, [&](const auto& one) {
        return one->name == name && one->labels == labels;
    });
    if (found != all.end()) return (*found)->series;
    auto made = std::make_unique<Owned<Series>>();
    made->name = name;
    made->help = help;
    made->labels = labels;
    all.push_back(std::move(made));
    return all.back()->series;
}

Counter& Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
    const std::lock_guard lock(mutex_);
    return find_or_make(counters_, name, help, labels);
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
    const std::lock_guard lock(mutex_);
    return find_or_make(gauges_, name, help, labels);
}

Registration Registry::collect(Collector collector) {
    auto registration = std::make_shared<const Collector>(std::move(collector));
    const std::lock_guard lock(mutex_);
    std::erase_if(collectors_, [](const auto& one) { return one.expired(); });
    collectors_.push_back(registration);
    return registration;
}

std::string Registry::render() const {
    Samples samples;
    std::vector<std::weak_ptr<const Collector>> collectors;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& one : counters_) {
            samples.counter(one->name, one->help)
                .add(static_cast<double>(one->series.value()), one->labels);
        }
        for (const auto& one : gauges_) {
            samples.gauge(one->name, one->help)
                .add(static_cast<double>(one->series.value()), one->labels);
        }
        collectors = collectors_;
    }
    for (const auto& one : collectors) {
        if (const Registration collector = one.lock()) (*collector)(samples);
    }
    return samples.text();
}

}  // namespace farhold::metrics
