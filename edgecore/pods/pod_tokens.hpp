// SPDX-License-Identifier: Apache-2.0
//
// Pure: when the hub is asked for the ServiceAccount tokens of one pod. A token is asked for as soon as
// there is none, and anew after four fifths of its life, but at least once a day, all a little earlier
// so that a fleet does not ask at once. The one that is held serves until the next has come, whatever
// its age: a machine that is cut off starts its pods with what it has.
//
// A token's age is judged by trusted time (edgecore/security): until a hub has told the time it may be
// behind, and by then nothing could be asked for.
#pragma once

#include "common/base/backoff.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/tunnel/messages.hpp"
#include "edgecore/pods/pod_memory.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::pods {

class PodTokens {
public:
    using Wanted = std::set<podspec::TokenTerms>;
    using Held = std::map<podspec::TokenTerms, HeldToken>;

    struct Look {
        std::vector<podspec::TokenTerms> due;  // Now to be asked for; answered() follows.
        std::optional<Instant> next;           // When to look again, if nothing happens.
    };
    Look look(const Wanted& wanted, const Held& held, Instant now, WallTime trusted);

    // The token to be held from now on, or nothing.
    std::optional<HeldToken> answered(
        const podspec::TokenTerms& terms, const tunnel::Token& token, Instant now, WallTime trusted,
        Random& random
    );

    // What was refused may be asked for at once: something about it has changed.
    void hasten();

    // Whether one of these is asked for and there is none to go on with.
    [[nodiscard]] bool awaits_first(const Wanted& wanted, const Held& held) const;
    // Why there is none.
    [[nodiscard]] std::string_view trouble(const podspec::TokenTerms& terms) const;

private:
    struct Refusal {
        Backoff backoff;
        Instant retry_at{};
        std::string reason;
    };

    std::set<podspec::TokenTerms> asked_;
    std::map<podspec::TokenTerms, Refusal> refusals_;
};

}  // namespace farhold::pods
