// SPDX-License-Identifier: Apache-2.0
#include "faults.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

namespace farhold::simulation {
namespace {

struct Dial {
    std::string_view name;
    double Faults::* rate;
    double highest;
};

constexpr std::array kDials = {
    Dial{"frame_lost", &Faults::frame_lost, 0.05},
    Dial{"frame_twice", &Faults::frame_twice, 0.05},
    Dial{"frame_late", &Faults::frame_late, 0.05},
    Dial{"cuts", &Faults::cuts_per_hour, 120},
    Dial{"halves", &Faults::halves_per_hour, 60},
    Dial{"outages", &Faults::outages_per_hour, 20},
    Dial{"kills", &Faults::kills_per_hour, 60},
    Dial{"reboots", &Faults::reboots_per_hour, 12},
    Dial{"commit_crash", &Faults::commit_crash, 0.1},
    Dial{"commit_fails", &Faults::commit_fails, 0.2},
    Dial{"row_damaged", &Faults::row_damaged, 0.5},
    Dial{"clock_steps", &Faults::clock_steps_per_hour, 30},
    Dial{"operation_fails", &Faults::operation_fails, 0.2},
    Dial{"operation_late", &Faults::operation_late, 0.2},
    Dial{"answer_lost", &Faults::answer_lost, 0.2},
    Dial{"crashes", &Faults::crashes_per_hour, 30},
    Dial{"wipes", &Faults::wipes_per_hour, 10},
    Dial{"runtime_away", &Faults::runtime_away_per_hour, 20},
    Dial{"hub_kills", &Faults::hub_kills_per_hour, 30},
    Dial{"hub_pauses", &Faults::hub_pauses_per_hour, 60},
    Dial{"api_fails", &Faults::api_fails, 0.3},
    Dial{"api_slow", &Faults::api_slow, 0.2},
    Dial{"list_partial", &Faults::list_partial, 0.5},
    Dial{"read_refused", &Faults::read_refused, 0.7},
    Dial{"watch_breaks", &Faults::watch_breaks_per_hour, 120},
    Dial{"compactions", &Faults::compactions_per_hour, 60},
    Dial{"restores", &Faults::restores_per_hour, 12},
};

// Spread over two orders of magnitude, so that rare faults meet quiet systems too.
double draw_rate(double highest, Random& random) {
    return highest * std::pow(10.0, -2.0 * random.unit());
}

}  // namespace

Faults Faults::draw(Random& random) {
    Faults faults;
    const bool single = random.chance(1.0 / 3);
    const double share = 0.1 + 0.6 * random.unit();
    if (single) {
        const Dial& dial = kDials[random.between(0, kDials.size() - 1)];
        faults.*dial.rate = dial.highest * (0.3 + 0.7 * random.unit());
    }
    for (const Dial& dial : kDials) {
        if (!single && random.chance(share)) {
            faults.*dial.rate = draw_rate(dial.highest, random);
        }
    }
    constexpr std::array delays = {5, 50, 500, 2000};
    faults.delay_max = std::chrono::milliseconds(delays[random.between(0, 3)]);
    return faults;
}

std::string Faults::text() const {
    std::string text = fmt::format("delay={}ms", delay_max / std::chrono::milliseconds(1));
    for (const Dial& dial : kDials) {
        if (this->*dial.rate > 0) {
            text += fmt::format(" {}={:.3g}", dial.name, this->*dial.rate);
        }
    }
    return text;
}

}  // namespace farhold::simulation
