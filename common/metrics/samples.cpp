// SPDX-License-Identifier: Apache-2.0
#include "common/metrics/samples.hpp"

#include "common/base/ensure.hpp"

#include <fmt/format.h>

namespace farhold::metrics {

namespace {

// The format's escapes; a quote is one only within a label.
std::string escaped(std::string_view text, bool in_label) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || (in_label && c == '"')) out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

std::string label_text(const Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels) {
        text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", key, escaped(value, true));
    }
    return text.empty() ? text : "{" + text + "}";
}

const char* name_of(Kind kind) {
    switch (kind) {
        case Kind::counter:
            return "counter";
        case Kind::gauge:
            return "gauge";
        case Kind::histogram:
            return "histogram";
    }
    return "untyped";
}

}  // namespace

void Histogram::observe(double value) {
    for (std::size_t bound = 0; bound < bounds_.size(); ++bound) {
        counts_[bound] += value <= bounds_[bound] ? 1 : 0;
    }
    ++count_;
    sum_ += value;
}

Histogram commit_seconds() {
    return Histogram({0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10});
}

Family& Family::add(double value, const Labels& labels) {
    ensure(kind_ != Kind::histogram, "a histogram is added as a whole");
    const std::string text = label_text(labels);
    lines_[text] = fmt::format("{}{} {}\n", name_, text, value);
    return *this;
}

Family& Family::add(const Histogram& histogram, const Labels& labels) {
    ensure(kind_ == Kind::histogram, "only a histogram has buckets");
    const auto bucket = [&](std::string bound, std::uint64_t count) {
        Labels with_bound = labels;
        with_bound.emplace_back("le", std::move(bound));
        return fmt::format("{}_bucket{} {}\n", name_, label_text(with_bound), count);
    };
    const std::string text = label_text(labels);
    std::string lines;
    for (std::size_t bound = 0; bound < histogram.bounds().size(); ++bound) {
        lines += bucket(fmt::format("{}", histogram.bounds()[bound]), histogram.count_up_to(bound));
    }
    lines += bucket("+Inf", histogram.count());
    lines += fmt::format("{}_sum{} {}\n", name_, text, histogram.sum());
    lines += fmt::format("{}_count{} {}\n", name_, text, histogram.count());
    lines_[text] = std::move(lines);
    return *this;
}

Family& Samples::counter(std::string_view name, std::string_view help) {
    return family(name, help, Kind::counter);
}

Family& Samples::gauge(std::string_view name, std::string_view help) {
    return family(name, help, Kind::gauge);
}

Family& Samples::histogram(std::string_view name, std::string_view help) {
    return family(name, help, Kind::histogram);
}

Family& Samples::family(std::string_view name, std::string_view help, Kind kind) {
    auto found = families_.find(name);
    if (found == families_.end()) {
        found = families_.try_emplace(std::string(name)).first;
        found->second.name_ = name;
        found->second.help_ = help;
        found->second.kind_ = kind;
    }
    ensure(found->second.kind_ == kind, "a metric has one type");
    return found->second;
}

std::string Samples::text() const {
    std::string text;
    for (const auto& [name, family] : families_) {
        text += fmt::format("# HELP {} {}\n", name, escaped(family.help_, false));
        text += fmt::format("# TYPE {} {}\n", name, name_of(family.kind_));
        for (const auto& [labels, lines] : family.lines_) text += lines;
    }
    return text;
}

}  // namespace farhold::metrics
