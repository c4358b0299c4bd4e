// SPDX-License-Identifier: Apache-2.0
//
// A machine's end of the tunnel with a store in memory, and the hub's side of the wire by hand.
#pragma once

#include "common/tunnel/content.hpp"
#include "edgecore/link/link_state.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/variants.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace farhold::link {

using namespace std::chrono_literals;
using tunnel::GoodbyeReason;
using tunnel::SyncMode;

inline tunnel::Upsert upsert(std::string name, std::string uid, std::string text) {
    tunnel::Upsert one;
    one.key = {"ConfigMap", "default", std::move(name)};
    one.uid = std::move(uid);
    one.resource_version = "1";
    one.content = std::make_shared<const std::string>(std::move(text));
    one.hash = tunnel::content_hash(*one.content);
    one.encoding = tunnel::kEncodingJson;
    return one;
}

// A machine with a store in memory, and the hub's side of the wire by hand.
struct Machine {
    Machine() : state({.version = "test"}, now()) { feed(event::Tick{}); }

    Now now() const { return {Instant(time), WallTime(time) + 1h}; }

    Actions feed(const Event& event) {
        Actions actions = state.on_event(event, {meta, desired, outbox}, now(), random);
        for (const Action& action : actions) {
            if (const auto* send = std::get_if<action::Send>(&action)) {
                auto got = from_machine.read(send->bytes);
                REQUIRE(got);
                if (*got) {
                    sent.push_back(std::move(**got));
                }
            } else if (const auto* store = std::get_if<action::Store>(&action)) {
                storing.push_back(store->batch);
            }
            all.push_back(action);
        }
        return actions;
    }

    void receive(const tunnel::Message& message) {
        for (std::string& bytes : from_hub.write(message)) {
            feed(event::Received{std::move(bytes)});
        }
    }

    // Answers the commit under way.
    void commit() {
        REQUIRE(storing.size() == 1);
        desired.apply(storing.front());
        storing.clear();
        feed(event::Stored{});
    }

    void put(std::string key, std::string body) {
        outbox.stored(outbox.put(std::move(key), "u", std::move(body)).value());
        feed(event::OutboxChanged{});
    }

    void advance(Duration by) {
        const auto end = time + by;
        while (true) {
            const auto wake = state.wake_at();
            if (!wake || wake->time_since_epoch() > end) {
                break;
            }
            time = std::max(time, wake->time_since_epoch());
            feed(event::Tick{});
        }
        time = end;
    }

    void dialed() {
        REQUIRE(state.status().phase == Phase::dialing);
        from_machine = {};
        from_hub = {};
        sent.clear();
        feed(event::Dialed{});
    }

    void welcome(SyncMode mode, std::uint64_t acked_seq = 0, bool went_back = false) {
        receive(tunnel::Welcome{
            .epoch = 3,
            .cluster_uid = "c",
            .hub_time = WallTime(2h),
            .mode = mode,
            .acked_seq = acked_seq,
            .store_went_back = went_back,
        });
    }

    void live() {
        dialed();
        welcome(SyncMode::in_sync);
        if (!storing.empty()) {
            commit();
        }
        REQUIRE(state.status().phase == Phase::live);
    }

    template <class T>
    std::vector<T> take() {
        return test::take_all<T>(sent);
    }

    template <class T>
    std::vector<T> actions() {
        return test::take_all<T>(all);
    }

    Phase phase() const { return state.status().phase; }

    Duration time = 1s;
    Random random{5};
    store::StoreMeta meta{.store_uuid = "s", .generation = 2, .boot_id = "b"};
    store::DesiredState desired;
    store::Outbox outbox;
    LinkState state;
    tunnel::FrameReader from_machine;
    tunnel::FrameWriter from_hub;
    std::vector<tunnel::Message> sent;
    std::vector<store::StoreBatch> storing;
    Actions all;
};

inline tunnel::Batch batch(std::uint64_t id, bool more = false) {
    return {.id = id, .upserts = {}, .removals = {}, .more = more, .digest = {}};
}

}  // namespace farhold::link
