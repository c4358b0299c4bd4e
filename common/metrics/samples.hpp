// SPDX-License-Identifier: Apache-2.0
//
// Measured values on their way into Prometheus' text form (exposition format 0.0.4), and the
// histogram that a part keeps for itself. Plain values: the caller brings the synchronization.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

// How often a value was below each of its bounds.
class Histogram {
public:
    // Ascending.
    explicit Histogram(std::vector<double> bounds)
        : bounds_(std::move(bounds)), counts_(bounds_.size(), 0) {}

    void observe(double value);

    [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }
    // Of the bound at that place and all below it.
    [[nodiscard]] std::uint64_t count_up_to(std::size_t bound) const { return counts_.at(bound); }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] double sum() const { return sum_; }

private:
    std::vector<double> bounds_;
    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    double sum_ = 0;
};

// Seconds that a commit takes: from a good disk to a flash card that collects its garbage.
Histogram commit_seconds();

enum class Kind : std::uint8_t { counter, gauge, histogram };

// All series of one name. A family without series still shows its name, help and type.
class Family {
public:
    Family& add(double value, const Labels& labels = {});
    Family& add(const Histogram& histogram, const Labels& labels = {});

private:
    friend class Samples;

    std::string name_;
    std::string help_;
    Kind kind_ = Kind::gauge;
    std::map<std::string, std::string>
        lines_;  // By label text, so that the order is always the same.
};

// Counts fit: a double is exact up to 2^53.
inline double number(std::uint64_t count) {
    return static_cast<double>(count);
}

// One series for each place of an array that is indexed by an enumeration with a to_string().
template <class Enum, std::size_t N>
void add_all(Family& family, const char* label, const std::array<std::uint64_t, N>& counts) {
    for (std::size_t place = 0; place < N; ++place) {
        family.add(
            number(counts[place]), {{label, std::string(to_string(static_cast<Enum>(place)))}}
        );
    }
}

class Samples {
public:
    // `name` ends with its unit, a counter's with _total; `help` is one sentence.
    Family& counter(std::string_view name, std::string_view help);
    Family& gauge(std::string_view name, std::string_view help);
    Family& histogram(std::string_view name, std::string_view help);

    // Families in the order of their names.
    [[nodiscard]] std::string text() const;

private:
    Family& family(std::string_view name, std::string_view help, Kind kind);

    std::map<std::string, Family, std::less<>> families_;
};

}  // namespace farhold::metrics
