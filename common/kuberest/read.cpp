// SPDX-License-Identifier: Apache-2.0
//
// GET of an object and of a list: at any revision the log still has, in pages that belong together.
#include "common/base/encoding.hpp"
#include "common/kuberest/representation.hpp"
#include "common/kuberest/stored_text.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/kuberest/watcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace farhold::kuberest {
namespace {

// Records are taken from the store in pages while a selector throws most of them away.
constexpr std::size_t kScanPage = 500;

// A token says: go on at this key of the list as it was at this revision. The form is upstream's.
struct Continue {
    kubestore::Revision revision = 0;  // -1: whatever is current.
    std::string start;                 // Relative to the prefix.
};

std::string encode_continue(const Continue& at) {
    json::Value token = json::Value::make_object();
    token.set("v", json::Value::of("meta.k8s.io/v1"));
    token.set("rv", json::Value::of(at.revision));
    token.set("start", json::Value::of(at.start));
    return base64url_encode(token.dump());
}

ApiResult<Continue> decode_continue(std::string_view text) {
    const auto refused = [](std::string_view why) {
        return refuse(
            bad_request(fmt::format("invalid continue token: continue key is not valid: {}", why))
        );
    };
    const Result<std::string> decoded = base64url_decode(text);
    if (!decoded) {
        return refused(decoded.error().message());
    }
    const Result<json::Value> token = json::Value::parse(*decoded);
    if (!token) {
        return refused(token.error().message());
    }
    if (const std::string_view version = token->text_at({"v"}); version != "meta.k8s.io/v1") {
        return refused(fmt::format("server does not recognize this encoded version {}", version));
    }
    if (token->text_at({"start"}).empty()) {
        return refused("encoded start key empty or missing");
    }
    return Continue{token->integer_at({"rv"}), std::string(token->text_at({"start"}))};
}

// Which snapshot a list is of.
struct Snapshot {
    kubestore::Revision revision = 0;
    std::string start;
    bool inconsistent = false;  // Goes on after the history was gone.
};

ApiResult<Snapshot> choose_snapshot(const Call& call, const ReadOptions& options) {
    Snapshot snapshot;
    snapshot.revision = call.store.revision();
    if (!options.continue_token.empty()) {
        const ApiResult<Continue> token = decode_continue(options.continue_token);
        if (!token) {
            return refuse(token.error());
        }
        if (options.revision.value_or(0) != 0) {
            return refuse(
                bad_request("specifying resource version is not allowed when using continue")
            );
        }
        snapshot.start = token->start;
        snapshot.inconsistent = token->revision < 0;
        if (!snapshot.inconsistent) {
            snapshot.revision = token->revision;
        }
        return snapshot;
    }
    const kubestore::Revision wanted = options.revision.value_or(0);
    if (wanted > snapshot.revision) {
        return refuse(revision_too_large(wanted, snapshot.revision));
    }
    const bool exact = options.match == RevisionMatch::exact ||
                       (options.match == RevisionMatch::unset && options.limit != 0);
    if (wanted != 0 && exact) {
        snapshot.revision = wanted;
    }
    return snapshot;
}

// Objects of one list, in the order of their keys.
struct Collected {
    std::string items;  // Joined by commas.
    std::string next;   // The first key that did not fit; empty: none.
};

class Collector {
public:
    Collector(const Call& call, const Representation& form, const Selection& selection)
        : call_(call), form_(form), selection_(selection), only_name_(name_wanted(selection)) {}

    Result<Collected> collect(
        const std::string& prefix, const Snapshot& snapshot, std::size_t limit
    ) const {
        Collected collected;
        std::size_t count = 0;
        kubestore::ListQuery query{prefix, prefix + snapshot.start, kScanPage, snapshot.revision};
        while (true) {
            const Result<kubestore::ListPage> page = call_.store.list(query);
            if (!page) {
                return fail(page.error());
            }
            for (const kubestore::Record& record : page->records) {
                if (!wants(record)) {
                    continue;
                }
                if (limit != 0 && count == limit) {
                    collected.next = record.key;
                    return collected;
                }
                collected.items.append(count == 0 ? "" : ",");
                collected.items.append(form_.listed(call_.type(), *record.body, call_.now));
                ++count;
            }
            if (!page->more) {
                return collected;
            }
            query.start = page->records.back().key + '\0';
        }
    }

private:
    // The name when the selector allows only one: then other bodies need not be parsed.
    static std::optional<std::string> name_wanted(const Selection& selection) {
        for (const auto& requirement : selection.fields.requirements()) {
            if (requirement.path == "metadata.name" && !requirement.negated) {
                return requirement.value;
            }
        }
        return std::nullopt;
    }

    bool wants(const kubestore::Record& record) const {
        if (selection_.empty()) {
            return true;
        }
        if (only_name_ && !record.key.ends_with("/" + *only_name_)) {
            return false;
        }
        return selection_.matches_stored(call_.type(), *record.body);
    }

    const Call& call_;
    const Representation& form_;
    const Selection& selection_;
    std::optional<std::string> only_name_;
};

ApiResult<std::string> list_metadata(
    const Call& call, const Selection& selection, const Snapshot& snapshot,
    const std::string& prefix, const std::string& next, bool verbatim
) {
    json::Value metadata = json::Value::make_object();
    metadata.set("resourceVersion", json::Value::of(fmt::format("{}", snapshot.revision)));
    // Generic lists say it always.
    if (next.empty() && call.type().is_custom && verbatim) {
        metadata.set("continue", json::Value::of(""));
    }
    if (!next.empty()) {
        const kubestore::Revision revision = snapshot.inconsistent ? -1 : snapshot.revision;
        metadata.set(
            "continue", json::Value::of(encode_continue({revision, next.substr(prefix.size())}))
        );
        // Of what is there now, which a page nearly always is of: it is an estimate upstream too.
        if (selection.empty()) {
            const Result<std::int64_t> remaining = call.store.count(prefix, next);
            if (!remaining) {
                return refuse(internal_error(remaining.error()));
            }
            metadata.set("remainingItemCount", json::Value::of(*remaining));
        }
    }
    return metadata.dump();
}

Status refused_list(const Error& error, const ReadOptions& options, const Snapshot& snapshot) {
    if (error.code() != ErrorCode::resource_exhausted) {
        return internal_error(error);
    }
    return options.continue_token.empty() ? list_expired()
                                          : continue_expired(encode_continue({-1, snapshot.start}));
}

// What a list and a watch are asked alike: from when, which objects, in which form.
struct Wanted {
    ReadOptions options;
    Selection selection;
    Representation form;
};

ApiResult<Wanted> read_wanted(const Call& call, bool watching) {
    const ApiResult<ReadOptions> options = read_list_options(call.request.query, watching);
    if (!options) {
        return refuse(options.error());
    }
    const ApiResult<Selection> selection = read_selection(call.request.query, call.type());
    if (!selection) {
        return refuse(selection.error());
    }
    const ApiResult<Representation> form = Representation::choose(call.request);
    if (!form) {
        return refuse(form.error());
    }
    return Wanted{*options, *selection, *form};
}

}  // namespace

ApiResult<Response> get_object(const Call& call) {
    const ApiResult<std::optional<kubestore::Revision>> revision =
        read_revision(call.request.query);
    if (!revision) {
        return refuse(revision.error());
    }
    if (revision->value_or(0) > call.store.revision()) {
        return refuse(revision_too_large(**revision, call.store.revision()));
    }
    const ApiResult<StoredObject> current = load_target(call);
    if (!current) {
        return refuse(current.error());
    }
    return answer(call, 200, *current->record.body);
}

ApiResult<Response> list_objects(const Call& call) {
    const ApiResult<Wanted> wanted = read_wanted(call, false);
    if (!wanted) {
        return refuse(wanted.error());
    }
    const auto& [options, selection, form] = *wanted;
    const ApiResult<Snapshot> snapshot = choose_snapshot(call, options);
    if (!snapshot) {
        return refuse(snapshot.error());
    }
    const std::string prefix = key_prefix(call.type(), call.target.ns);
    const Result<Collected> collected =
        Collector(call, form, selection).collect(prefix, *snapshot, options.limit);
    if (!collected) {
        return refuse(refused_list(collected.error(), options, *snapshot));
    }
    const ApiResult<std::string> metadata =
        list_metadata(call, selection, *snapshot, prefix, collected->next, form.is_verbatim());
    if (!metadata) {
        return refuse(metadata.error());
    }
    return Response(200, form.list(call.type(), *metadata, collected->items));
}

ApiResult<Response> watch_objects(const Call& call) {
    const ApiResult<Wanted> wanted = read_wanted(call, true);
    if (!wanted) {
        return refuse(wanted.error());
    }
    const auto& [options, selection, form] = *wanted;
    const kubestore::Revision newest = call.store.revision();
    if (options.send_initial_events.value_or(false) && options.revision.value_or(0) > newest) {
        return refuse(revision_too_large(*options.revision, newest));
    }
    Response response;
    response.watcher = std::make_unique<Watcher>(
        call.store, call.target.type, key_prefix(call.type(), call.target.ns), selection, form,
        options
    );
    return response;
}

}  // namespace farhold::kuberest
