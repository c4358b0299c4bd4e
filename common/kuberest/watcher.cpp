// SPDX-License-Identifier: Apache-2.0
#include "common/kuberest/watcher.hpp"

#include "common/kuberest/stored_text.hpp"

#include <fmt/format.h>

#include <utility>

namespace farhold::kuberest {
namespace {

constexpr std::size_t kEventsPerPoll = 100;

// The previous content under the revision at which it ceased to match.
std::string with_revision(const std::string& text, kubestore::Revision revision) {
    json::Value object = parse_stored(text);
    set_revision(object, revision);
    return object.dump();
}

}  // namespace

Watcher::Watcher(
    kubestore::Store& store, kubeschema::ResourceTypePtr type, std::string prefix,
    Selection selection, Representation form, const ReadOptions& options
)
    : store_(store),
      type_(std::move(type)),
      prefix_(std::move(prefix)),
      selection_(std::move(selection)),
      form_(std::move(form)),
      bookmarks_(options.bookmarks) {
    // Without a revision, or with 0, the state of now comes first.
    const bool from_now = options.revision.value_or(0) == 0;
    const bool initial = options.send_initial_events.value_or(from_now);
    closes_initial_ = bookmarks_ && initial;
    phase_ = initial ? Phase::initial : Phase::live;
    cursor_ = from_now || initial ? store_.revision() : *options.revision;
    if (options.timeout_seconds && *options.timeout_seconds > 0) {
        timeout_ = std::chrono::seconds(*options.timeout_seconds);
    }
}

Watcher::Lines Watcher::poll(WallTime now) {
    Lines lines;
    switch (phase_) {
        case Phase::initial:
            poll_initial(lines, now);
            break;
        case Phase::live:
            poll_live(lines, now);
            break;
        case Phase::ended:
            break;
    }
    lines.ended = phase_ == Phase::ended;
    return lines;
}

void Watcher::poll_initial(Lines& lines, WallTime now) {
    const Result<kubestore::ListPage> page =
        store_.list({prefix_, start_, kEventsPerPoll, cursor_});
    if (!page) {
        const bool expired = page.error().code() == ErrorCode::resource_exhausted;
        return end_with(lines, expired ? list_expired() : internal_error(page.error()));
    }
    for (const kubestore::Record& record : page->records) {
        if (matches(record.body)) {
            add_object(lines.text, "ADDED", *record.body, now);
        }
    }
    lines.more = true;
    if (page->more) {
        start_ = page->records.back().key + '\0';
        return;
    }
    phase_ = Phase::live;
    if (closes_initial_) {
        add_line(lines.text, "BOOKMARK", form_.bookmark(*type_, fmt::format("{}", cursor_), true));
        told_ = cursor_;
    }
}

void Watcher::poll_live(Lines& lines, WallTime now) {
    const Result<kubestore::EventBatch> batch =
        store_.events_after(cursor_, prefix_, kEventsPerPoll);
    if (!batch) {
        return end_with(lines, watch_expired(batch.error().message()));
    }
    for (const kubestore::EventPtr& event : batch->events) {
        add_event(lines.text, *event, now);
    }
    cursor_ = batch->scanned_to;
    lines.more = batch->events.size() == kEventsPerPoll;
}

// An object that begins or ceases to match the selector appears or disappears for this client.
void Watcher::add_event(std::string& text, const kubestore::Event& event, WallTime now) {
    const bool was = event.previous && matches(event.previous);
    const bool is = !event.removed && matches(event.body);
    if (was && is) {
        add_object(text, "MODIFIED", *event.body, now);
    } else if (is) {
        add_object(text, "ADDED", *event.body, now);
    } else if (was) {
        const std::string last =
            event.removed ? *event.body : with_revision(*event.previous, event.revision);
        add_object(text, "DELETED", last, now);
    }
    if (was || is) {
        told_ = event.revision;
    }
}

void Watcher::add_object(
    std::string& text, std::string_view event_type, const std::string& object, WallTime now
) {
    add_line(text, event_type, form_.one(*type_, object, now, !columns_sent_));
    columns_sent_ = true;
}

void Watcher::add_line(std::string& text, std::string_view event_type, const std::string& object)
    const {
    text.append(R"({"type":")").append(event_type).append(R"(","object":)");
    text.append(object).append("}\n");
}

void Watcher::end_with(Lines& lines, const Status& status) {
    add_line(lines.text, "ERROR", status.to_json().dump());
    phase_ = Phase::ended;
}

std::string Watcher::bookmark() {
    std::string text;
    if (bookmarks_ && phase_ == Phase::live && cursor_ > told_) {
        add_line(text, "BOOKMARK", form_.bookmark(*type_, fmt::format("{}", cursor_), false));
        told_ = cursor_;
    }
    return text;
}

bool Watcher::matches(const kubestore::Body& body) const {
    return selection_.matches_stored(*type_, *body);
}

}  // namespace farhold::kuberest
