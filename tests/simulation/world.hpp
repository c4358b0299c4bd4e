// SPDX-License-Identifier: Apache-2.0
//
// What everything in one run shares: time, chance, the faults, the trace, what the user has done,
// and the first broken invariant, which ends the run.
#pragma once

#include "common/base/random.hpp"
#include "event_queue.hpp"
#include "faults.hpp"
#include "ledger.hpp"
#include "trace.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace farhold::simulation {

struct Violation {
    std::string invariant;
    std::string text;
};

class World {
public:
    World(std::uint64_t seed, bool print) : random(seed), trace(print), seed_(seed) {}
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    [[nodiscard]] std::uint64_t seed() const { return seed_; }
    [[nodiscard]] Instant now() const { return queue.now(); }

    [[nodiscard]] bool happens(double probability) {
        return probability > 0 && random.chance(probability);
    }
    [[nodiscard]] Duration between(Duration low, Duration high) {
        return Duration(static_cast<Duration::rep>(random.between(
            static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count())
        )));
    }

    // Again and again at that rate, at moments that know nothing of each other, until it answers
    // false or the faults stop.
    void haunt(double Faults::* per_hour, std::function<bool()> what);

    void violate(std::string invariant, std::string text) {
        if (!violation) {
            trace.line(now(), "VIOLATION {}: {}", invariant, text);
            violation = Violation{std::move(invariant), std::move(text)};
        }
    }

    template <class... Args>
    void note(fmt::format_string<Args...> format, Args&&... args) {
        trace.line(now(), format, std::forward<Args>(args)...);
    }

    EventQueue queue;
    Random random;
    Faults faults;
    Trace trace;
    Ledger ledger;
    std::optional<Violation> violation;

private:
    std::uint64_t seed_;
};

}  // namespace farhold::simulation
