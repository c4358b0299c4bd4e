// SPDX-License-Identifier: Apache-2.0
//
// Pure: one device. Takes what the cloud desires, what is desired at this machine and what the device
// reports, and keeps for each property what stands.
#pragma once

#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "edgecore/twin/device_spec.hpp"
#include "edgecore/twin/payloads.hpp"
#include "edgecore/twin/twin_record.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace farhold::twin {

// Of one device; a message that would make more is refused.
inline constexpr std::size_t kPropertiesMax = 512;

struct Moment {
    Instant mono;
    WallTime wall;
    WallTime trusted;  // Not after the true time, whatever the machine's own clock shows.
};
std::int64_t to_ms(WallTime time);

struct TwinChanges {
    TwinView result;
    Document document;  // Of what is another value now.
};

class DeviceTwin {
public:
    // The record of another uid is not looked at.
    DeviceTwin(DeviceSpec spec, std::optional<DeviceRecord> record);

    // The device's object or its model is another one; the uid is the same.
    void set_spec(DeviceSpec spec, const Moment& now, bool linked);
    // The machine holds all that the cloud has to say, after a time when it could not know.
    void merge(const Moment& now);

    // A message of the device, or of a program at this machine. All of it or nothing.
    std::expected<TwinChanges, Refusal> update(
        const TwinUpdate& update, const Moment& now, bool linked
    );
    // One that a broker kept from an earlier time: what it says counts only if it is news.
    static void keep_news(TwinUpdate& update, const DeviceRecord& record);
    // False: unknown state.
    bool set_state(std::string_view state, const Moment& now);
    // Empty: nothing is desired here any more.
    Result<> set_desired(
        const std::string& property, std::string value, std::string who, const Moment& now,
        bool linked
    );

    [[nodiscard]] const DeviceSpec& spec() const { return spec_; }
    [[nodiscard]] const DeviceRecord& record() const { return record_; }
    [[nodiscard]] TwinView view() const;
    // Desired values that are not the reported ones.
    [[nodiscard]] std::map<std::string, std::string> differences() const;
    // What stands in differences() is another than when this was asked last.
    [[nodiscard]] std::uint64_t desired_version() const { return desired_version_; }

    // A value that was set here waits for merge().
    [[nodiscard]] bool awaits_link() const;

    // All that happened is in the outbox, or is not.
    void set_told(std::uint64_t told) { record_.told = told; }
    void set_told_state(std::string body) { record_.told_state = std::move(body); }
    [[nodiscard]] bool is_untold() const { return record_.told != record_.changes; }

private:
    Property& property(const std::string& name);
    void hear_cloud(
        const std::string& name, const DesiredSpec* word, const Moment& now, bool linked
    );
    void take_cloud(Property& property, const Moment& now);
    void take_machine(
        Property& property, std::string value, std::string who, const Moment& now, bool linked
    );
    void merge_one(Property& property, const Moment& now);
    std::optional<std::string> trouble_with(const std::string& name, const PropertyUpdate& update)
        const;
    void apply(
        const std::string& name, const PropertyUpdate& update, std::int64_t sent_ms,
        const Moment& now, bool linked, TwinChanges& changes
    );
    void apply_removal(const std::string& name, TwinChanges& changes);
    void count_change() { ++record_.changes; }
    void count_desired() {
        ++desired_version_;
        count_change();
    }

    DeviceSpec spec_;
    DeviceRecord record_;
    std::uint64_t desired_version_ = 0;
    std::int64_t online_counted_ms_ = 0;
};

}  // namespace farhold::twin
