// SPDX-License-Identifier: Apache-2.0
//
// Pure: the options of a request, from its query string or, for deletions, its body.
#pragma once

#include "common/kuberest/request.hpp"
#include "common/kuberest/status.hpp"
#include "common/kubestore/store.hpp"
#include "common/object/selectors.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::kuberest {

enum class FieldValidation : std::uint8_t { ignore, warn, strict };

struct WriteOptions {
    bool dry_run = false;
    FieldValidation field_validation = FieldValidation::warn;
};

// `name` is what refusals call them: "CreateOptions", "UpdateOptions", "PatchOptions".
ApiResult<WriteOptions> read_write_options(const Query& query, std::string_view name);

struct Selection {
    object::LabelSelector labels;
    object::FieldSelector fields;

    bool empty() const { return labels.empty() && fields.empty(); }
    bool matches(const ResourceType& type, const json::Value& object) const;
    // The same for an object as it lies in the store.
    bool matches_stored(const ResourceType& type, const std::string& text) const;
};

ApiResult<Selection> read_selection(const Query& query, const ResourceType& type);

enum class RevisionMatch : std::uint8_t { unset, exact, not_older_than };

struct ReadOptions {
    // Unset differs from 0, "any".
    std::optional<kubestore::Revision> revision;
    RevisionMatch match = RevisionMatch::unset;

    // Lists.
    std::size_t limit = 0;
    std::string continue_token;

    // Watches.
    std::optional<std::int64_t> timeout_seconds;
    bool bookmarks = false;
    std::optional<bool> send_initial_events;
};

// Checks what may stand together for a list or a watch.
ApiResult<ReadOptions> read_list_options(const Query& query, bool watch);

// The resourceVersion of a get.
ApiResult<std::optional<kubestore::Revision>> read_revision(const Query& query);

struct DeletionOptions {
    std::optional<std::int64_t> grace_seconds;
    std::string uid;
    std::string resource_version;
    bool dry_run = false;
};

// `body` is null when there was none.
ApiResult<DeletionOptions> read_deletion_options(const Query& query, const json::Value& body);

}  // namespace farhold::kuberest
