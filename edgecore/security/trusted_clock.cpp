// SPDX-License-Identifier: Apache-2.0
#include "edgecore/security/trusted_clock.hpp"

#include "common/datadir/data_dir.hpp"

#include <charconv>
#include <utility>

namespace farhold::security {

namespace {

constexpr Duration kStoreInterval = std::chrono::hours(1);

// Beyond it nothing can be added; nobody has proved such a time.
constexpr std::chrono::sys_seconds kLastTime =
    std::chrono::sys_days{std::chrono::year{2200} / 1 / 1};

// Seconds since 1970 as text.
WallTime read_stored(const std::string& path) {
    const auto text = datadir::read_file(path);
    std::int64_t seconds = 0;
    if (text) {
        std::from_chars(text->data(), text->data() + text->size(), seconds);
    }
    const std::chrono::sys_seconds stored{std::chrono::seconds(seconds)};
    return stored >= std::chrono::sys_seconds{} && stored <= kLastTime ? stored : WallTime{};
}

std::string to_text(WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch();
    return std::to_string(seconds.count()) + "\n";
}

}  // namespace

WallTime build_time() {
    return WallTime(std::chrono::seconds(FARHOLD_BUILD_SECONDS));
}

TrustedClock::TrustedClock(const std::string& dir, const Clock& clock)
    : clock_(clock),
      path_(dir + "/trusted-time"),
      stored_(read_stored(path_)),
      time_(build_time(), stored_, clock.now().mono) {}

Task<> TrustedClock::prove(WallTime time, WorkerThread& files) {
    time_.prove(time, clock_.now().mono);
    proved_ = true;
    const WallTime latest = now();
    if (latest < stored_ + kStoreInterval) {
        co_return;
    }
    stored_ = latest;
    auto store = [path = path_, text = to_text(latest)] { return datadir::write_file(path, text); };
    // A failure costs nothing now; the next proof comes soon.
    static_cast<void>(co_await files.run(std::move(store)));
}

}  // namespace farhold::security
