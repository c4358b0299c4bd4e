// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <algorithm>
#include <cmath>

namespace farhold::simulation {

void World::haunt(double Faults::* per_hour, std::function<bool()> what) {
    const double rate = faults.*per_hour;
    if (rate <= 0) {
        return;
    }
    const double hours = -std::log(1.0 - random.unit()) / rate;
    const auto delay = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::ratio<3600>>(std::min(hours, 1000.0))
    );
    queue.after(delay, [this, per_hour, what = std::move(what)]() mutable {
        if (faults.*per_hour > 0 && what()) {
            haunt(per_hour, std::move(what));
        }
    });
}

}  // namespace farhold::simulation
