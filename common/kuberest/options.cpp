// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/options.hpp"

#include "common/kuberest/stored_text.hpp"
#include "common/kubeschema/field_selection.hpp"

#include <fmt/format.h>

#include <charconv>
#include <vector>

namespace farhold::kuberest {
namespace {

using kubeschema::FieldError;

// Go's words, since clients print them.
std::string go_parse_error(std::string_view function, std::string_view text) {
    return fmt::format("strconv.{}: parsing \"{}\": invalid syntax", function, text);
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

ApiResult<std::optional<std::int64_t>> read_integer(const Query& query, std::string_view key) {
    const auto text = find_parameter(query, key);
    if (!text) {
        return std::nullopt;
    }
    const auto number = parse_number<std::int64_t>(*text);
    if (!number) {
        return refuse(bad_request(go_parse_error("ParseInt", *text)));
    }
    return number;
}

std::optional<bool> read_bool(const Query& query, std::string_view key) {
    const auto text = find_parameter(query, key);
    if (!text) {
        return std::nullopt;
    }
    return *text != "false" && *text != "0";
}

std::vector<std::string> read_dry_run(const Query& query) {
    std::vector<std::string> stages;
    for (const auto& [key, value] : query) {
        if (key == "dryRun" && !value.empty()) {
            stages.push_back(value);
        }
    }
    return stages;
}

ApiResult<bool> check_dry_run(const std::vector<std::string>& stages, std::string_view options) {
    json::Value list = json::Value::make_array();
    bool known = true;
    for (const std::string& stage : stages) {
        known = known && stage == "All";
        list.push_back(json::Value::of(stage));
    }
    if (!known) {
        FieldError error = kubeschema::unsupported("dryRun", "", {"All"});
        error.message =
            fmt::format("Unsupported value: {}: supported values: \"All\"", list.dump());
        return refuse(invalid_options(options, {std::move(error)}));
    }
    return !stages.empty();
}

ApiResult<std::optional<kubestore::Revision>> parse_revision(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto revision = parse_number<kubestore::Revision>(text);
    if (!revision || *revision < 0) {
        return refuse(plain_error(fmt::format(
            "resourceVersion: Invalid value: \"{}\": {}", text, go_parse_error("ParseUint", text)
        )));
    }
    return revision;
}

constexpr const char* kMatch = "resourceVersionMatch";

kubeschema::FieldError forbidden_option(std::string field, std::string_view detail) {
    return kubeschema::forbidden(std::move(field), detail);
}

ApiResult<> refuse_any(kubeschema::FieldErrors errors) {
    if (errors.empty()) {
        return {};
    }
    return refuse(invalid_options("ListOptions", errors));
}

ApiResult<> check_list(const ReadOptions& options, std::string_view match) {
    kubeschema::FieldErrors errors;
    if (!match.empty()) {
        if (!options.revision) {
            errors.push_back(forbidden_option(
                kMatch, "resourceVersionMatch is forbidden unless resourceVersion is provided"
            ));
        }
        if (!options.continue_token.empty()) {
            errors.push_back(forbidden_option(
                kMatch, "resourceVersionMatch is forbidden when continue is provided"
            ));
        }
        if (options.match == RevisionMatch::unset) {
            errors.push_back(kubeschema::unsupported(kMatch, match, {"Exact", "NotOlderThan", ""}));
        }
        if (options.match == RevisionMatch::exact && options.revision == 0) {
            errors.push_back(forbidden_option(
                kMatch, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""
            ));
        }
    }
    if (options.send_initial_events) {
        errors.push_back(
            forbidden_option("sendInitialEvents", "sendInitialEvents is forbidden for list")
        );
    }
    return refuse_any(std::move(errors));
}

ApiResult<> check_watch(const ReadOptions& options, std::string_view match) {
    kubeschema::FieldErrors errors;
    const bool not_older = options.match == RevisionMatch::not_older_than;
    if (options.send_initial_events && !not_older) {
        errors.push_back(forbidden_option(
            kMatch, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        ));
    }
    if (!options.send_initial_events && !match.empty()) {
        errors.push_back(forbidden_option(
            kMatch,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        ));
    }
    if (!match.empty() && !not_older) {
        errors.push_back(kubeschema::unsupported(kMatch, match, {"NotOlderThan"}));
    }
    if (!options.continue_token.empty()) {
        errors.push_back(
            forbidden_option(kMatch, "resourceVersionMatch is forbidden when continue is provided")
        );
    }
    return refuse_any(std::move(errors));
}

// A body wins over the query string, as upstream has it.
struct RawDeletion {
    std::optional<std::int64_t> grace_seconds;
    std::string propagation;
    bool has_orphan = false;
    std::vector<std::string> dry_run;
};

RawDeletion from_body(const json::Value& body) {
    RawDeletion raw;
    if (const json::Value* grace = body.find("gracePeriodSeconds")) {
        raw.grace_seconds = grace->integer();
    }
    raw.propagation = body.text_at({"propagationPolicy"});
    raw.has_orphan = body.find("orphanDependents") != nullptr;
    if (const json::Value* stages = body.find("dryRun"); stages != nullptr && stages->is_array()) {
        for (const json::Value& stage : stages->array()) {
            raw.dry_run.emplace_back(stage.string().value_or(""));
        }
    }
    return raw;
}

ApiResult<RawDeletion> from_query(const Query& query) {
    RawDeletion raw;
    const auto grace = read_integer(query, "gracePeriodSeconds");
    if (!grace) {
        return refuse(grace.error());
    }
    raw.grace_seconds = *grace;
    raw.propagation = find_parameter(query, "propagationPolicy").value_or("");
    raw.has_orphan = find_parameter(query, "orphanDependents").has_value();
    return raw;
}

ApiResult<> check_propagation(const RawDeletion& raw) {
    const std::string& policy = raw.propagation;
    if (policy.empty()) {
        return {};
    }
    if (raw.has_orphan) {
        return refuse(invalid_options(
            "DeleteOptions", {kubeschema::invalid(
                                 "propagationPolicy", policy,
                                 "orphanDependents and deletionPropagation cannot be both set"
                             )}
        ));
    }
    if (policy != "Foreground" && policy != "Background" && policy != "Orphan") {
        return refuse(invalid_options(
            "DeleteOptions",
            {kubeschema::unsupported(
                "propagationPolicy", policy, {"Foreground", "Background", "Orphan", "nil"}
            )}
        ));
    }
    return {};
}

}  // namespace

ApiResult<WriteOptions> read_write_options(const Query& query, std::string_view name) {
    WriteOptions options;
    const ApiResult<bool> dry_run = check_dry_run(read_dry_run(query), name);
    if (!dry_run) {
        return refuse(dry_run.error());
    }
    options.dry_run = *dry_run;
    const std::string_view validation = find_parameter(query, "fieldValidation").value_or("");
    if (validation == "Ignore") {
        options.field_validation = FieldValidation::ignore;
    } else if (validation == "Strict") {
        options.field_validation = FieldValidation::strict;
    } else if (!validation.empty() && validation != "Warn") {
        return refuse(invalid_options(
            name, {kubeschema::unsupported(
                      "fieldValidation", validation, {"", "Ignore", "Strict", "Warn"}
                  )}
        ));
    }
    return options;
}

bool Selection::matches(const ResourceType& type, const json::Value& object) const {
    return labels.matches_object(object) &&
           kubeschema::matches_field_selector(type, fields, object);
}

bool Selection::matches_stored(const ResourceType& type, const std::string& text) const {
    return empty() || (labels.may_match_text(text) && matches(type, parse_stored(text)));
}

ApiResult<Selection> read_selection(const Query& query, const ResourceType& type) {
    Selection selection;
    Result<object::LabelSelector> labels =
        object::LabelSelector::parse(find_parameter(query, "labelSelector").value_or(""));
    if (!labels) {
        return refuse(bad_request(labels.error().message()));
    }
    Result<object::FieldSelector> fields =
        object::FieldSelector::parse(find_parameter(query, "fieldSelector").value_or(""));
    if (!fields) {
        return refuse(bad_request(fields.error().message()));
    }
    const Result<void> known = kubeschema::check_field_selector(type, *fields);
    if (!known) {
        return refuse(bad_request(known.error().message()));
    }
    selection.labels = std::move(*labels);
    selection.fields = std::move(*fields);
    return selection;
}

ApiResult<ReadOptions> read_list_options(const Query& query, bool watch) {
    ReadOptions options;
    const auto limit = read_integer(query, "limit");
    const auto timeout = read_integer(query, "timeoutSeconds");
    if (!limit || !timeout) {
        return refuse(limit ? timeout.error() : limit.error());
    }
    options.limit = static_cast<std::size_t>(std::max<std::int64_t>(0, limit->value_or(0)));
    options.timeout_seconds = *timeout;
    options.continue_token = find_parameter(query, "continue").value_or("");
    options.bookmarks = read_bool(query, "allowWatchBookmarks").value_or(false);
    options.send_initial_events = read_bool(query, "sendInitialEvents");

    const ApiResult<std::optional<kubestore::Revision>> revision = read_revision(query);
    if (!revision) {
        // Lists call it the client's fault, in more words.
        const std::string& why = revision.error().message;
        return refuse(watch ? revision.error() : bad_request("invalid resource version: " + why));
    }
    options.revision = *revision;
    const std::string_view match = find_parameter(query, kMatch).value_or("");
    if (match == "Exact") {
        options.match = RevisionMatch::exact;
    } else if (match == "NotOlderThan") {
        options.match = RevisionMatch::not_older_than;
    }
    const ApiResult<> fits = watch ? check_watch(options, match) : check_list(options, match);
    if (!fits) {
        return refuse(fits.error());
    }
    return options;
}

ApiResult<std::optional<kubestore::Revision>> read_revision(const Query& query) {
    return parse_revision(find_parameter(query, "resourceVersion").value_or(""));
}

ApiResult<DeletionOptions> read_deletion_options(const Query& query, const json::Value& body) {
    const ApiResult<RawDeletion> raw =
        body.is_null() ? from_query(query) : ApiResult<RawDeletion>(from_body(body));
    if (!raw) {
        return refuse(raw.error());
    }
    if (const ApiResult<> fits = check_propagation(*raw); !fits) {
        return refuse(fits.error());
    }
    const ApiResult<bool> dry_run =
        check_dry_run(body.is_null() ? read_dry_run(query) : raw->dry_run, "DeleteOptions");
    if (!dry_run) {
        return refuse(dry_run.error());
    }
    DeletionOptions options;
    options.grace_seconds = raw->grace_seconds;
    options.uid = body.text_at({"preconditions", "uid"});
    options.resource_version = body.text_at({"preconditions", "resourceVersion"});
    options.dry_run = *dry_run;
    return options;
}

}  // namespace farhold::kuberest
