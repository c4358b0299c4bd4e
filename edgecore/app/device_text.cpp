// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/device_text.hpp"

#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace farhold::edge {

namespace {

using json::Value;

constexpr std::size_t kCells = 8;
using Row = std::array<std::string, kCells>;

std::string text_or(std::string_view text, std::string_view otherwise) {
    return std::string(text.empty() ? otherwise : text);
}

std::string version_of(const Value& property, std::string_view side) {
    if (property.find(side) == nullptr) return "-";
    return fmt::format(
        "{}.{}", property.integer_at({side, "version", "cloud"}),
        property.integer_at({side, "version", "edge"})
    );
}

std::string age_of(const Value& property, std::string_view side, WallTime now) {
    const std::string_view time = property.text_at({side, "time"});
    return time.empty() ? "-" : object::human_age(time, now);
}

Row row_of(const Value& property, WallTime now) {
    return {
        "",
        text_or(property.text_at({"name"}), "-"),
        text_or(property.text_at({"desired", "value"}), "-"),
        version_of(property, "desired"),
        text_or(property.text_at({"desired", "setBy"}), "-"),
        text_or(property.text_at({"reported", "value"}), "-"),
        version_of(property, "reported"),
        age_of(property, "reported", now),
    };
}

}  // namespace

std::string render_devices(const Value& devices, WallTime now) {
    if (devices.empty()) return "This machine has no devices.\n";
    std::vector<Row> rows{
        {"DEVICE", "PROPERTY", "DESIRED", "VERSION", "SET BY", "REPORTED", "VERSION", "AGE"}
    };
    std::string notes;
    for (const Value& device : devices.array()) {
        const std::string id =
            fmt::format("{}/{}", device.text_at({"namespace"}), device.text_at({"name"}));
        const std::string_view state = device.text_at({"state"});
        std::string heading = state.empty() ? id : fmt::format("{} ({})", id, state);
        for (const Value& property : device.elements_at({"properties"})) {
            Row row = row_of(property, now);
            row[0] = std::exchange(heading, {});
            rows.push_back(std::move(row));
            if (property.find("conflict") != nullptr) {
                notes += fmt::format(
                    "{}: {}: the cloud desired {}, this machine {}; the {}'s stands\n", id,
                    property.text_at({"name"}), property.text_at({"conflict", "cloud"}),
                    property.text_at({"conflict", "machine"}),
                    property.text_at({"conflict", "stands"})
                );
            }
        }
        if (!heading.empty()) rows.push_back({heading, "-", "-", "-", "-", "-", "-", "-"});
        for (const Value& problem : device.elements_at({"problems"})) {
            notes += fmt::format("{}: {}\n", id, problem.string().value_or(""));
        }
    }
    std::array<std::size_t, kCells> widths{};
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < kCells; ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string out;
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < kCells; ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out + notes;
}

}  // namespace farhold::edge
