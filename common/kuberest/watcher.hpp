// SPDX-License-Identifier: Apache-2.0
//
// One watch: a cursor into the store's history that gives out the lines of the stream. It buffers
// nothing, so a slow reader costs nothing; one that falls behind the history is told 410 Expired
// and ended. Lives and runs on the store's thread, outside transactions.
#pragma once

#include "common/kuberest/options.hpp"
#include "common/kuberest/representation.hpp"
#include "common/kubestore/store.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace farhold::kuberest {

class Watcher {
public:
    struct Lines {
        std::string text;    // Whole lines, each one JSON object.
        bool more = false;   // There is more now: ask again.
        bool ended = false;  // The last line told why.
    };

    // The store must outlive it.
    Watcher(
        kubestore::Store& store, kubeschema::ResourceTypePtr type, std::string prefix,
        Selection selection, Representation form, const ReadOptions& options
    );

    // What has happened since the last call, a bounded part of it.
    Lines poll(WallTime now);

    // A line that tells how far the watch is, when the client wants such and there is news in it.
    std::string bookmark();

    // Keys that concern it begin like this.
    const std::string& prefix() const { return prefix_; }

    // After which the client wants the stream to end.
    std::optional<std::chrono::seconds> timeout() const { return timeout_; }

private:
    enum class Phase { initial, live, ended };

    void poll_initial(Lines& lines, WallTime now);
    void poll_live(Lines& lines, WallTime now);
    void add_event(std::string& text, const kubestore::Event& event, WallTime now);
    void add_line(std::string& text, std::string_view event_type, const std::string& object) const;
    void add_object(
        std::string& text, std::string_view event_type, const std::string& object, WallTime now
    );
    void end_with(Lines& lines, const Status& status);
    bool matches(const kubestore::Body& body) const;

    kubestore::Store& store_;
    kubeschema::ResourceTypePtr type_;  // Shared: it may outlive its entry in the registry.
    std::string prefix_;
    Selection selection_;
    Representation form_;
    bool bookmarks_;
    bool closes_initial_;  // A bookmark marks the end of the initial state.
    std::optional<std::chrono::seconds> timeout_;

    Phase phase_ = Phase::live;
    std::string start_;               // Of the next page of the initial state.
    kubestore::Revision cursor_ = 0;  // Everything up to here has been told.
    kubestore::Revision told_ = 0;    // The last revision in a line.
    bool columns_sent_ = false;
};

}  // namespace farhold::kuberest
