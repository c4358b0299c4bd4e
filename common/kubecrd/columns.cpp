// SPDX-License-Identifier: Apache-2.0
#include "common/kubecrd/columns.hpp"

#include "common/kubecrd/json_path.hpp"
#include "common/kubeschema/kinds.hpp"
#include "common/object/metadata.hpp"
#include "common/object/time_text.hpp"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace farhold::kubecrd {
namespace {

using json::Value;
using kubeschema::Cells;
using kubeschema::Column;

struct CustomColumn {
    Column column;
    JsonPath path;
};

Value date_cell(const Value& value, WallTime now) {
    const auto text = value.string();
    if (!text) {
        return {};
    }
    return Value::of(
        object::parse_time(*text) ? object::human_age(*text, now) : std::string("<invalid>")
    );
}

Value integer_cell(const Value& value) {
    if (value.integer()) {
        return value;
    }
    const auto number = value.number();
    // What fits no 64-bit integer has no cell.
    constexpr double kLimit = 9.2e18;
    return number && std::abs(*number) < kLimit ? Value::of(static_cast<std::int64_t>(*number))
                                                : Value();
}

// A value of another type than its column's shows nothing.
Value cell_of(const CustomColumn& column, const Value& object, WallTime now) {
    const Value* value = column.path.first(object);
    if (value == nullptr) {
        return {};
    }
    const std::string& type = column.column.type;
    if (type == "string") {
        return Value::of(value->is_string() ? value->as_string() : value->dump());
    }
    if (value->is_null()) {
        return {};
    }
    if (type == "date") {
        return date_cell(*value, now);
    }
    if (type == "integer") {
        return integer_cell(*value);
    }
    const bool fits = type == "number" ? value->is_number() : value->is_bool();
    return fits ? *value : Value();
}

CustomColumn read_column(const Value& definition) {
    CustomColumn column;
    column.column.name = definition.text_at({"name"});
    column.column.type = definition.text_at({"type"});
    column.column.format = definition.text_at({"format"});
    column.column.description = definition.text_at({"description"});
    column.column.priority = static_cast<int>(definition.integer_at({"priority"}));
    if (auto path = JsonPath::parse(definition.text_at({"jsonPath"}))) {
        column.path = std::move(*path);
    }
    return column;
}

CustomColumn age() {
    CustomColumn column;
    column.column = kubeschema::age_column();
    column.column.type = "date";
    column.path = JsonPath::parse(".metadata.creationTimestamp").value();
    return column;
}

}  // namespace

void set_columns(kubeschema::ResourceType& type, const json::Value& version) {
    auto columns = std::make_shared<std::vector<CustomColumn>>();
    for (const Value& definition : version.elements_at({"additionalPrinterColumns"})) {
        columns->push_back(read_column(definition));
    }
    if (columns->empty()) {
        columns->push_back(age());
    }
    type.columns = {kubeschema::name_column()};
    for (const CustomColumn& column : *columns) {
        type.columns.push_back(column.column);
    }
    type.cells = [columns](const Value& object, WallTime now) {
        Cells cells = {Value::of(object::name(object))};
        for (const CustomColumn& column : *columns) {
            cells.push_back(cell_of(column, object, now));
        }
        return cells;
    };
}

}  // namespace farhold::kubecrd
