// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/representation.hpp"

#include "common/kuberest/stored_text.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

namespace farhold::kuberest {
namespace {

using json::Value;

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Calls `take` for each non-empty part.
template <class Take>
void split(std::string_view text, char separator, Take take) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (const std::string_view part = trimmed(text.substr(0, end)); !part.empty()) {
            take(part);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::string text_of(std::string_view text) {
    return Value::of(text).dump();
}

std::string partial_metadata(const Value& object, std::string_view version) {
    const Value* metadata = object.find("metadata");
    return fmt::format(
        R"({{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{}","metadata":{}}})",
        version, metadata == nullptr ? "{}" : metadata->dump()
    );
}

// Kinds without columns of their own.
const std::vector<kubeschema::Column>& default_columns() {
    static const std::vector<kubeschema::Column> columns = {
        {.name = "Name", .format = "name", .description = "Name of the object"},
        {.name = "Created At", .type = "date", .description = "Time of its creation"},
    };
    return columns;
}

std::string column_definitions(const ResourceType& type) {
    const auto& columns = type.cells ? type.columns : default_columns();
    Value definitions = Value::make_array();
    for (const kubeschema::Column& column : columns) {
        Value definition = Value::make_object();
        definition.set("name", Value::of(column.name));
        definition.set("type", Value::of(column.type));
        definition.set("format", Value::of(column.format));
        definition.set("description", Value::of(column.description));
        definition.set("priority", Value::of(column.priority));
        definitions.push_back(std::move(definition));
    }
    return definitions.dump();
}

std::string cells_of(const ResourceType& type, const Value& object, WallTime now) {
    Value cells = Value::make_array();
    if (type.cells) {
        for (Value& cell : type.cells(object, now)) {
            cells.push_back(std::move(cell));
        }
    } else {
        cells.push_back(Value::of(object::name(object)));
        cells.push_back(Value::of(object::creation_timestamp(object)));
    }
    return cells.dump();
}

std::string metadata_with_revision(std::string_view resource_version) {
    return fmt::format(R"({{"resourceVersion":{}}})", text_of(resource_version));
}

std::string table(
    const ResourceType& type, std::string_view version, std::string_view metadata,
    std::string_view rows, bool columns
) {
    return fmt::format(
        R"({{"kind":"Table","apiVersion":"meta.k8s.io/{}","metadata":{},)"
        R"("columnDefinitions":{},"rows":[{}]}})",
        version, metadata, columns ? column_definitions(type) : "null", rows
    );
}

}  // namespace

std::vector<MediaRange> parse_accept(std::string_view header) {
    std::vector<MediaRange> ranges;
    split(header, ',', [&ranges](std::string_view element) {
        MediaRange range;
        split(element, ';', [&range](std::string_view part) {
            if (range.type.empty()) {
                range.type = part;
            } else if (part.starts_with("as=")) {
                range.as = part.substr(3);
            } else if (part.starts_with("g=")) {
                range.group = part.substr(2);
            } else if (part.starts_with("v=")) {
                range.version = part.substr(2);
            }
        });
        ranges.push_back(std::move(range));
    });
    return ranges;
}

ApiResult<Representation> Representation::choose(const Request& request) {
    Representation chosen;
    const std::string_view include = find_parameter(request.query, "includeObject").value_or("");
    if (include == "None") {
        chosen.row_object = RowObject::none;
    } else if (include == "Object") {
        chosen.row_object = RowObject::object;
    } else if (!include.empty() && include != "Metadata") {
        return refuse(bad_request(fmt::format(
            "Unable to convert to Table as requested: includeObject: Invalid value: \"{}\": must "
            "be "
            "'Metadata', 'Object', 'None', or empty",
            include
        )));
    }
    const std::vector<MediaRange> ranges = parse_accept(request.accept);
    if (ranges.empty()) {
        return chosen;
    }
    bool is_json = false;
    for (const MediaRange& range : ranges) {
        if (range.type == "*/*" || range.type == "application/*") {
            return chosen;
        }
        if (range.type != "application/json") {
            continue;
        }
        is_json = true;
        if (range.as.empty()) {
            return chosen;
        }
        const bool known = range.version == "v1" || range.version == "v1beta1";
        if (range.group != "meta.k8s.io" || !known) {
            continue;
        }
        chosen.version = range.version;
        if (range.as == "Table") {
            chosen.form = Form::table;
            return chosen;
        }
        if (range.as == "PartialObjectMetadata" || range.as == "PartialObjectMetadataList") {
            chosen.form = Form::metadata;
            return chosen;
        }
    }
    return refuse(is_json ? not_acceptable_form() : not_acceptable());
}

std::string Representation::one(
    const ResourceType& type, const std::string& text, WallTime now, bool columns
) const {
    if (form != Form::table) {
        return item(type, text, now);
    }
    const Value object = parse_stored(type, text);
    return table(
        type, version, metadata_with_revision(object::resource_version(object)),
        item(type, text, now), columns
    );
}

std::string Representation::listed(const ResourceType& type, const std::string& text, WallTime now)
    const {
    if (form != Form::object) {
        return item(type, text, now);
    }
    // Custom resources repeat it all the same, since that is how generic clients keep them.
    if (type.is_custom) {
        return served_text(type, text);
    }
    const std::string head = text_head(type);
    if (text.starts_with(head)) {
        return text.substr(head.size()).insert(0, 1, '{');
    }
    // Stored by an older version of ours, in another order.
    Value object = parse_stored(text);
    object.erase("kind");
    object.erase("apiVersion");
    return object.dump();
}

std::string Representation::item(const ResourceType& type, const std::string& text, WallTime now)
    const {
    if (form == Form::object) {
        return served_text(type, text);
    }
    const Value object = parse_stored(type, text);
    if (form == Form::metadata) {
        return partial_metadata(object, version);
    }
    std::string shown = "null";
    if (row_object == RowObject::metadata) {
        shown = partial_metadata(object, version);
    } else if (row_object == RowObject::object) {
        shown = served_text(type, text);
    }
    const Value conditions = type.row_conditions ? type.row_conditions(object) : Value();
    return fmt::format(
        R"({{"cells":{}{},"object":{}}})", cells_of(type, object, now),
        conditions.is_null() ? "" : R"(,"conditions":)" + conditions.dump(), shown
    );
}

std::string Representation::list(
    const ResourceType& type, std::string_view metadata, std::string_view items, bool columns
) const {
    switch (form) {
        case Form::table:
            return table(type, version, metadata, items, columns);
        case Form::metadata:
            return fmt::format(
                R"({{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/{}",)"
                R"("metadata":{},"items":[{}]}})",
                version, metadata, items
            );
        case Form::object:
            break;
    }
    return fmt::format(
        R"({{"kind":{},"apiVersion":{},"metadata":{},"items":[{}]}})", text_of(type.list_kind),
        text_of(type.group_version()), metadata, items
    );
}

std::string Representation::bookmark(
    const ResourceType& type, std::string_view resource_version, bool initial_events_end
) const {
    const std::string annotations =
        initial_events_end ? R"(,"annotations":{"k8s.io/initial-events-end":"true"})" : "";
    const std::string metadata =
        fmt::format(R"({{"resourceVersion":{}{}}})", text_of(resource_version), annotations);
    if (form == Form::object) {
        return fmt::format(
            R"({{"kind":{},"apiVersion":{},"metadata":{}}})", text_of(type.kind),
            text_of(type.group_version()), metadata
        );
    }
    const std::string partial = fmt::format(
        R"({{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/{}","metadata":{}}})",
        version, metadata
    );
    if (form == Form::metadata) {
        return partial;
    }
    return table(
        type, version, metadata_with_revision(resource_version),
        fmt::format(R"({{"cells":[],"object":{}}})", partial), false
    );
}

}  // namespace farhold::kuberest
