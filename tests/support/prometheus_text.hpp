// SPDX-License-Identifier: Apache-2.0
//
// A strict reader of Prometheus' text form (exposition format 0.0.4), as a server would be that
// forgives nothing, with the conventions that we keep: each family has a help and a type before its
// samples and stands once, counters end with _total.
#pragma once

#include <cctype>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::test {

struct PrometheusFamily {
    std::string type;
    std::size_t samples = 0;
};

struct PrometheusText {
    std::map<std::string, PrometheusFamily> families;
    std::map<std::string, double> values;  // By name and labels as they stand.
    std::vector<std::string> faults;       // One sentence each, with the line.

    // Of the series written like that; -1 when there is none.
    [[nodiscard]] double value(const std::string& series) const {
        const auto found = values.find(series);
        return found == values.end() ? -1 : found->second;
    }
};

class PrometheusReader {
public:
    PrometheusText read(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            if (end == std::string_view::npos) {
                fault(text, "the last line has no end");
                break;
            }
            line(text.substr(0, end));
            text.remove_prefix(end + 1);
        }
        return std::move(out_);
    }

private:
    void fault(std::string_view line, std::string_view what) {
        out_.faults.push_back(std::string(what) + ": " + std::string(line));
    }

    static std::string_view take_name(std::string_view& rest, bool with_colon) {
        std::size_t length = 0;
        while (length < rest.size()) {
            const auto c = static_cast<unsigned char>(rest[length]);
            const bool letter = std::isalpha(c) != 0 || c == '_' || (with_colon && c == ':');
            if (!letter && (length == 0 || std::isdigit(c) == 0)) break;
            ++length;
        }
        const std::string_view name = rest.substr(0, length);
        rest.remove_prefix(length);
        return name;
    }

    static bool take(std::string_view& rest, std::string_view text) {
        if (!rest.starts_with(text)) return false;
        rest.remove_prefix(text.size());
        return true;
    }

    void line(std::string_view whole) {
        std::string_view rest = whole;
        if (take(rest, "# HELP ")) {
            const std::string name(take_name(rest, true));
            if (name.empty() || !take(rest, " ") || rest.empty()) fault(whole, "no help");
            if (!helped_.insert(name).second) fault(whole, "a second help");
        } else if (take(rest, "# TYPE ")) {
            type(whole, rest);
        } else {
            sample(whole, rest);
        }
    }

    void type(std::string_view whole, std::string_view rest) {
        const std::string name(take_name(rest, true));
        static const std::set<std::string_view> kTypes = {"counter", "gauge", "histogram"};
        if (name.empty() || !take(rest, " ") || !kTypes.contains(rest)) {
            fault(whole, "no type");
            return;
        }
        if (!helped_.contains(name)) fault(whole, "a type without help");
        if (rest == "counter" && !name.ends_with("_total")) fault(whole, "a counter's name");
        if (!out_.families.try_emplace(name, PrometheusFamily{std::string(rest), 0}).second) {
            fault(whole, "a second type");
        }
        family_ = name;
    }

    void sample(std::string_view whole, std::string_view rest) {
        const std::string name(take_name(rest, true));
        const bool labels_well_formed = !take(rest, "{") || labels(rest);
        const std::string series(whole.substr(0, whole.size() - rest.size()));
        if (name.empty() || !labels_well_formed || !take(rest, " ")) {
            fault(whole, "not a sample");
            return;
        }
        const auto family = out_.families.find(family_);
        const bool belongs = family != out_.families.end() && belongs_to(name, family->second);
        double value = 0;
        const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), value);
        if (!belongs) {
            fault(whole, "a sample outside its family");
        } else if (parsed.ec != std::errc() || parsed.ptr != rest.data() + rest.size()) {
            fault(whole, "not a number");
        } else if (family->second.type != "gauge" && value < 0) {
            fault(whole, "a negative count");
        } else if (!out_.values.emplace(series, value).second) {
            fault(whole, "a series that stands twice");
        } else {
            ++family->second.samples;
        }
    }

    bool belongs_to(std::string_view name, const PrometheusFamily& family) const {
        if (family.type != "histogram") return name == family_;
        return name == family_ + "_bucket" || name == family_ + "_sum" ||
               name == family_ + "_count";
    }

    static bool labels(std::string_view& rest) {
        do {
            if (take_name(rest, false).empty() || !take(rest, "=\"")) return false;
            while (!rest.empty() && rest.front() != '"') {
                if (take(rest, "\\") && rest.find_first_of("\\\"n") != 0) return false;
                if (!rest.empty()) rest.remove_prefix(1);
            }
            if (!take(rest, "\"")) return false;
        } while (take(rest, ","));
        return take(rest, "}");
    }

    PrometheusText out_;
    std::set<std::string> helped_;
    std::string family_;
};

inline PrometheusText parse_prometheus(std::string_view text) {
    return PrometheusReader().read(text);
}

}  // namespace farhold::test
