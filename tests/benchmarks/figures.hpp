// SPDX-License-Identifier: Apache-2.0
//
// Pure: what was measured, as a table for people and as one flat line of JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace farhold::bench {

struct Figure {
    std::string key;  // Of the JSON, with its unit: "edgecoreRssKb".
    std::string what;
    double value = 0;
    std::string unit;
    std::optional<double> below;  // What it aims at, where it has an aim.
};

class Figures {
public:
    void add(Figure figure) { figures_.push_back(std::move(figure)); }
    void add(std::vector<Figure> figures);
    void add(const Figures& other) { add(other.figures_); }

    std::string table() const;
    std::string json() const;

private:
    std::vector<Figure> figures_;
};

// The smallest sample that is not exceeded by `percent` of all (nearest rank); samples are needed.
double percentile(std::vector<double> samples, double percent);
inline double median(std::vector<double> samples) {
    return percentile(std::move(samples), 50);
}

}  // namespace farhold::bench
