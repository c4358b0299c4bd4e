// SPDX-License-Identifier: Apache-2.0
//
// Pure: of which ConfigMaps, Secrets and ServiceAccounts the whole object is to be fetched, and when.
// The cluster's are watched by their metadata; fetched is what a Pod on a machine refers to, when it
// is first needed and whenever it has changed. Of all others nothing is kept.
//
// A list tells nothing of what is in an object, and a restored server gives the same version to another
// body: what a list shows is fetched again. Of one object one fetch at a time counts, so that what
// arrives is never older than what arrived before.
#pragma once

#include "common/base/time.hpp"
#include "common/object/object_key.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::views {

// Whether objects of that kind are in views only because a Pod refers to them.
bool is_referred_kind(std::string_view kind);

// One asking of the API for an object; its answer is to be told with it.
struct Fetch {
    object::ObjectKey key;
    std::uint64_t number = 0;
};

class NeededObjects {
public:
    // Another Pod refers to it. What was absent for the others may have come before this one, with its
    // watch being late: it is asked for again.
    void need(const object::ObjectKey& key);
    // No Pod refers to it any more.
    void forget(const object::ObjectKey& key);

    // A watch tells of it in that version.
    void changed(const object::ObjectKey& key, std::string_view version);
    // A list shows it.
    void listed(const object::ObjectKey& key);
    // It is gone for certain, and with it what is being fetched.
    void removed(const object::ObjectKey& key);
    // An object of that name is gone that has never arrived.
    void another_removed(const object::ObjectKey& key);

    std::optional<Fetch> take_due(Instant now);
    // When the next one is; nullopt: none is.
    [[nodiscard]] std::optional<Instant> next_due() const;

    // The fetch is over. False: something has happened since, and its answer must not be used.
    bool finish(const Fetch& fetch);
    // Answers of one that is over.
    void arrived(const object::ObjectKey& key, std::string_view version);
    void absent(const object::ObjectKey& key);
    // The API will not give it out: neither there nor absent.
    void refused(const object::ObjectKey& key, std::string reason, Instant ask_again);
    // None came: it is due as before.
    void unanswered(const object::ObjectKey& key);

    // Whether it is known to be there, or not to be, for all who refer to it.
    [[nodiscard]] bool settled(const object::ObjectKey& key) const;
    // Why the API does not give it out, or empty.
    [[nodiscard]] std::string_view refusal(const object::ObjectKey& key) const;
    // Whether each was answered once, be it by a refusal.
    [[nodiscard]] bool all_answered() const { return unanswered_ == 0; }
    [[nodiscard]] std::size_t size() const { return needed_.size(); }

private:
    enum class State : std::uint8_t { unknown, absent, present };
    struct Need {
        State state = State::unknown;
        bool answered = false;
        bool due = false;
        Instant not_before{};
        std::uint64_t asked = 0;  // The number of the fetch that is under way; 0: none.
        std::string version;      // Of what arrived last.
        std::string told;         // By a watch.
        std::string refusal;
    };
    using Entry = std::map<object::ObjectKey, Need>::value_type;

    void set_due(Entry& entry, bool due, Instant not_before = {});
    void set_answered(Need& need);

    std::map<object::ObjectKey, Need> needed_;
    // Those that are due and of which no fetch is under way.
    std::set<std::pair<Instant, object::ObjectKey>> queue_;
    std::uint64_t last_number_ = 0;
    std::size_t unanswered_ = 0;
};

}  // namespace farhold::views
