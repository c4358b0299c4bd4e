// SPDX-License-Identifier: Apache-2.0
//
// Pure: the forms in which one object, a list or an event is answered: as stored, as a Table for
// kubectl get, or as metadata only.
#pragma once

#include "common/base/time.hpp"
#include "common/kuberest/request.hpp"
#include "common/kuberest/status.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::kuberest {

// One element of an Accept header.
struct MediaRange {
    std::string type;  // "application/json"
    std::string as;
    std::string group;
    std::string version;
};

std::vector<MediaRange> parse_accept(std::string_view header);

enum class Form : std::uint8_t { object, table, metadata };
enum class RowObject : std::uint8_t { none, metadata, object };

struct Representation {
    Form form = Form::object;
    std::string version = "v1";  // Of meta.k8s.io.
    RowObject row_object = RowObject::metadata;

    // The first form of the Accept header that we have.
    static ApiResult<Representation> choose(const Request& request);

    // Whether the stored text is what is answered.
    bool is_verbatim() const { return form == Form::object; }

    // `text` is the object as stored. `columns`: with the column definitions of a Table.
    std::string one(
        const ResourceType& type, const std::string& text, WallTime now, bool columns = true
    ) const;

    // A row of a Table, or an object in a watch.
    std::string item(const ResourceType& type, const std::string& text, WallTime now) const;

    // The same in a list, whose kind is that of its items: they do not repeat it.
    std::string listed(const ResourceType& type, const std::string& text, WallTime now) const;

    // The whole answer around items that are joined by commas. `metadata` is JSON.
    std::string list(
        const ResourceType& type, std::string_view metadata, std::string_view items,
        bool columns = true
    ) const;

    // An object of the kind that tells a revision and nothing else.
    std::string bookmark(
        const ResourceType& type, std::string_view resource_version, bool initial_events_end
    ) const;
};

}  // namespace farhold::kuberest
