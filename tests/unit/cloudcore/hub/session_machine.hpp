// SPDX-License-Identifier: Apache-2.0
//
// A hub's session, with the machine's side of the wire by hand.
#pragma once

#include "cloudcore/hub/session_state.hpp"
#include "common/tunnel/frame.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/variants.hpp"
#include "tests/support/view_builder.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace farhold::hub {

using namespace farhold::test;
using namespace std::chrono_literals;

struct Session {
    explicit Session(bool renew_only = false)
        : state({.cluster_uid = "c", .renew_only = renew_only}, now()) {
        put(cluster.views, node_object());
        put(cluster.views, pod_object("p", "pod-uid"));
        put(cluster.views, config_map("a", "a1", "text"));
    }

    Now now() const { return {Instant(time), WallTime(time) + 1h}; }

    void feed(const Event& event) {
        for (Action& action : state.on_event(event, cluster, now())) {
            if (const auto* send = std::get_if<action::Send>(&action)) {
                auto got = from_hub.read(send->bytes);
                REQUIRE(got);
                if (*got) {
                    sent.push_back(std::move(**got));
                }
            }
            all.push_back(std::move(action));
        }
    }

    void receive(const tunnel::Message& message) {
        for (std::string& bytes : from_machine.write(message)) {
            feed(event::Received{std::move(bytes)});
        }
    }

    void hello(tunnel::ViewDigest digest = {}, std::uint64_t seq_high = 0) {
        receive(tunnel::Hello{.store_uuid = "s", .seq_high = seq_high, .digest = digest});
    }

    void live() {
        hello(cluster.view().digest());
        feed(event::Admitted{.epoch = 5, .acked_seq = 0});
        REQUIRE(state.phase() == Phase::live);
        sent.clear();
        all.clear();
    }

    // The cluster's change, told as the hub tells it.
    void change(const json::Value& object) { feed(event::ViewChanged{put(cluster.views, object)}); }
    void remove(const object::ObjectKey& key, const char* uid) {
        feed(event::ViewChanged{cluster.views.remove(key, uid)});
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

    template <class T>
    std::vector<T> take() {
        return test::take_all<T>(sent);
    }

    template <class T>
    std::vector<T> actions() {
        return test::take_all<T>(all);
    }

    Duration time = 1s;
    Cluster cluster;
    SessionState state;
    tunnel::FrameReader from_hub;
    tunnel::FrameWriter from_machine;
    std::vector<tunnel::Message> sent;
    Actions all;
};

inline const object::ObjectKey kA{"ConfigMap", "default", "a"};
inline const object::ObjectKey kB{"ConfigMap", "default", "b"};

inline tunnel::InventoryEntry entry(const views::ViewObject& object) {
    return {object.key, object.uid, object.hash, object.encoding};
}

inline tunnel::Report durable(std::string key, std::uint64_t seq) {
    return {
        .cls = tunnel::ReportClass::durable,
        .key = std::move(key),
        .uid = "u",
        .seq = seq,
        .body = "{}",
    };
}

}  // namespace farhold::hub
