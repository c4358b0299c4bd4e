// SPDX-License-Identifier: Apache-2.0
//
// What a program measures, in Prometheus' text form. Most of it is pulled: a collector reads the
// parts' own getters when somebody asks, so the parts know nothing of metrics. Counters and gauges
// that no part keeps live here; they live as long as the registry and cost one atomic add to change.
#pragma once

#include "common/metrics/samples.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::metrics {

class Counter {
public:
    void add(std::uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

class Gauge {
public:
    void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
    void add(std::int64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
    [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> value_{0};
};

using Collector = std::function<void(Samples&)>;
// The collector is asked as long as this lives.
using Registration = std::shared_ptr<const Collector>;

class Registry {
public:
    // The series of this name and these labels, made at first use, changed by any thread. `name`
    // starts with "farhold_" and ends with its unit; `help` is one sentence.
    Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});

    // Called within render(), by its thread: the loop's in both programs.
    [[nodiscard]] Registration collect(Collector collector);

    [[nodiscard]] std::string render() const;

private:
    template <class Series>
    struct Owned {
        std::string name;
        std::string help;
        Labels labels;
        Series series;
    };

    template <class Series>
    static Series& find_or_make(
        std::vector<std::unique_ptr<Owned<Series>>>& all, std::string_view name,
        std::string_view help, const Labels& labels
    );

    mutable std::mutex mutex_;  // Guards the lists, not the values.
    std::vector<std::unique_ptr<Owned<Counter>>> counters_;
    std::vector<std::unique_ptr<Owned<Gauge>>> gauges_;
    std::vector<std::weak_ptr<const Collector>> collectors_;
};

}  // namespace farhold::metrics
