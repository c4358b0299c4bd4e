// SPDX-License-Identifier: Apache-2.0
//
// Counters and gauges with a Prometheus text form (exposition format 0.0.4). The registry is passed
// in; a series lives as long as the registry and costs one atomic add to change. Any thread may
// change a series or render the registry.
#pragma once

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

using Labels = std::vector<std::pair<std::string, std::string>>;

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

class Registry {
public:
    // The series of this name and these labels, made at first use. `name` starts with "farhold_" and
    // ends with its unit; `help` is one sentence.
    Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});

    [[nodiscard]] std::string render() const;

private:
    struct Family {
        std::string help;
        bool is_counter;
        std::map<std::string, std::unique_ptr<Counter>> counters;
        std::map<std::string, std::unique_ptr<Gauge>> gauges;
    };

    Family& family(std::string_view name, std::string_view help, bool is_counter);

    mutable std::mutex mutex_;  // Guards the maps, not the values.
    std::map<std::string, Family, std::less<>> families_;
};

}  // namespace farhold::metrics
