// SPDX-License-Identifier: Apache-2.0
//
// Pure: all devices of a machine. Events come in any order; take() answers what is to be done about
// all of them as one: rows and reports to commit, and messages that go out once these are on the disk.
#pragma once

#include "common/base/random.hpp"
#include "common/json/value.hpp"
#include "edgecore/twin/device_twin.hpp"
#include "edgecore/twin/topics.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::twin {

struct Message {
    std::string topic;
    std::string payload;
    bool retained = false;  // Kept by the broker from an earlier time.
    bool assured = true;    // Sent with the promise to arrive: so is its answer.
};

struct Publish {
    std::string topic;
    std::string payload;
    bool assured = true;
    // Of the result of a twin's update: what is said instead when the commit fails.
    std::optional<std::string> event_id = std::nullopt;
    std::string delta_of = {};  // The device, if it is a delta.
};

struct Row {
    std::string key;  // "default/lamp"
    std::string text;
};
struct Report {
    std::string key;
    std::string uid;
    std::string body;
};

struct Effects {
    std::vector<Row> rows;
    std::vector<std::string> forgotten;  // Rows by key.
    std::vector<Report> reports;
    std::vector<Publish> publishes;

    [[nodiscard]] bool must_commit() const {
        return !rows.empty() || !forgotten.empty() || !reports.empty();
    }
};

struct TwinCounters {
    std::uint64_t updates = 0;    // Properties that messages spoke of.
    std::uint64_t unchanged = 0;  // Of these, such as said nothing new.
    std::uint64_t refused = 0;    // Messages answered with an error.
    std::uint64_t ignored = 0;    // Messages not for us, and retained ones that are old.
    std::uint64_t deltas = 0;
    std::uint64_t reports = 0;
    std::uint64_t conflicts = 0;
};

// A message that was refused, for the log.
struct RefusedMessage {
    std::string topic;
    Code code = Code::bad_request;
    std::string reason;
};

class Twins {
public:
    Twins(std::string node, Random random);

    // A row as it was committed once. What cannot be read is an error and left out.
    Result<> restore(const std::string& key, std::string_view text);

    void set_device(const json::Value& device, const json::Value* model, const Moment& now);
    // The Device is gone for certain.
    void remove_device(const std::string& id, const Moment& now);
    // Rows without a Device: gone while nobody looked, which is certain now.
    void forget_others();

    void message(const Message& message, const Moment& now);
    // Takes effect with the next take(), and counts when that is committed.
    Result<> set_desired(
        const std::string& id, const std::string& property, std::string value, std::string who,
        const Moment& now
    );
    // Whether the machine holds all that the cloud wants of it.
    void set_linked(bool linked, const Moment& now);
    // Whoever listens at the broker may have missed what was said before.
    void broker_connected();
    // The delta of that device did not go out.
    void say_again(const std::string& id, const Moment& now);

    // `accept` takes a report in if there is room for it.
    Effects take(const Moment& now, const std::function<bool(const Report&)>& accept);
    // The commit of these did not happen: what they said is still to be said.
    std::vector<Publish> failed(Effects effects, const std::string& why, const Moment& now);
    [[nodiscard]] std::optional<Instant> wake_at() const;
    // Something that was set here is still to be weighed against the cloud's word.
    [[nodiscard]] bool awaits_link() const;

    [[nodiscard]] const DeviceTwin* find(const std::string& id) const;
    [[nodiscard]] std::vector<std::string> ids() const;
    [[nodiscard]] std::size_t size() const { return devices_.size(); }
    [[nodiscard]] const TwinCounters& counters() const { return counters_; }
    std::vector<RefusedMessage> take_refused() { return std::exchange(refused_, {}); }

private:
    struct Entry {
        DeviceTwin twin;
        bool dirty = false;  // Differs from the row.
        bool delta_due = false;
        std::optional<Instant> delta_again;
        int deltas_in_vain = 0;
        std::uint64_t desired_version = 0;  // That a delta was due for.
        Instant report_not_before{};
        std::optional<Instant> state_due;
        Instant state_not_before{};
        std::optional<std::uint64_t>
            state_seen;  // The changes that the Device's status was made of.
    };

    Entry* touch(const std::string& id);
    void after(Entry& entry, std::uint64_t changes_before);
    void answer(const Topic& topic, const Message& message, std::string payload);
    void refuse(
        const Topic& topic, const Message& message, const Refusal& refusal, const Moment& now
    );
    void update_twin(const Topic& topic, const Message& message, const Moment& now);
    void update_state(const Topic& topic, const Message& message, const Moment& now);
    void get(const Topic& topic, const Message& message, const Moment& now);
    void list_members(const Topic& topic, const Message& message, const Moment& now);
    void tell_membership(const std::string& id, const DeviceSpec* added, const Moment& now);
    [[nodiscard]] MemberView member(const std::string& id, const Entry& entry, bool twin) const;
    Base base(std::string event_id, const Moment& now);
    void take_delta(const std::string& id, Entry& entry, const Moment& now, Effects& effects);
    void take_reports(
        const std::string& id, Entry& entry, const Moment& now,
        const std::function<bool(const Report&)>& accept, Effects& effects
    );
    void take_state(
        const std::string& id, Entry& entry, const Moment& now,
        const std::function<bool(const Report&)>& accept, Effects& effects
    );
    static bool is_quiet(const Entry& entry);

    std::string node_;
    Random random_;
    bool linked_ = false;
    std::map<std::string, Entry> devices_;
    std::set<std::string> active_;  // Devices with something to be done now or later.
    std::map<std::string, DeviceRecord> restored_;  // Of which no Device has been seen.
    std::set<std::string> forgotten_;
    std::vector<Publish> publishes_;
    std::vector<RefusedMessage> refused_;
    TwinCounters counters_;
};

}  // namespace farhold::twin
