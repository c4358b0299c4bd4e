// SPDX-License-Identifier: Apache-2.0
#include "figures.hpp"

#include "common/base/ensure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace farhold::bench {

namespace {

// Three digits that mean something, and never less than all before the point.
std::string number(double value) {
    const double size = std::abs(value);
    if (size >= 100 || value == std::round(value)) return fmt::format("{:.0f}", value);
    return size >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.2f}", value);
}

}  // namespace

void Figures::add(std::vector<Figure> figures) {
    for (Figure& figure : figures) add(std::move(figure));
}

std::string Figures::table() const {
    std::size_t width = 0;
    for (const Figure& figure : figures_) width = std::max(width, figure.what.size());
    std::string text;
    for (const Figure& figure : figures_) {
        text += fmt::format(
            "{:<{}}  {:>9} {:<7}", figure.what, width, number(figure.value), figure.unit
        );
        if (figure.below) {
            const bool met = figure.value < *figure.below;
            text += fmt::format("  aim < {}{}", number(*figure.below), met ? "" : "  MISSED");
        }
        while (text.ends_with(' ')) text.pop_back();
        text += '\n';
    }
    return text;
}

std::string Figures::json() const {
    std::string text = "{";
    for (const Figure& figure : figures_) {
        if (text.size() > 1) text += ", ";
        text += fmt::format("\"{}\": {}", figure.key, number(figure.value));
    }
    return text + "}";
}

double percentile(std::vector<double> samples, double percent) {
    ensure(!samples.empty(), "a percentile needs samples");
    std::ranges::sort(samples);
    const double rank = std::ceil(percent / 100 * static_cast<double>(samples.size()));
    const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    return samples[std::min(index, samples.size() - 1)];
}

}  // namespace farhold::bench
