// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/status.hpp"

#include "common/base/encoding.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace farhold::edge {

namespace {

using json::Value;

// A moment of the monotonic clock as people's time.
Value wall_of(Instant moment, Now now) {
    return Value::of(object::format_time(now.wall - (now.mono - moment)));
}

std::string_view state_of(link::Phase phase) {
    switch (phase) {
        case link::Phase::live:
            return "connected";
        case link::Phase::disconnected:
            return "disconnected";
        default:
            return "connecting";
    }
}

Value link_status(const link::CloudLink& link, Now now) {
    const link::LinkStatus& status = link.status();
    Value value = Value::make_object();
    value.set("state", Value::of(state_of(status.phase)));
    value.set("since", wall_of(status.since, now));
    value.set("hub", Value::of(net::to_string(link.hub())));
    value.set(
        "rttMs", status.rtt
                     ? Value::of(std::chrono::duration<double, std::milli>(*status.rtt).count())
                     : Value()
    );
    value.set("lastSync", status.last_sync ? wall_of(*status.last_sync, now) : Value());
    value.set("epoch", Value::of(status.epoch));
    if (!status.trouble.empty()) value.set("trouble", Value::of(status.trouble));
    return value;
}

Value store_status(const StatusSources& sources) {
    const store::LoadReport& loaded = sources.store.load_report();
    std::string integrity = "ok";
    if (!loaded.clean()) integrity = loaded.findings.front();
    if (!sources.store.trouble().empty()) integrity = sources.store.trouble();
    Value value = Value::make_object();
    value.set("path", Value::of(sources.store_path));
    value.set(
        "bytes", Value::of(
                     datadir::file_bytes(sources.store_path) +
                     datadir::file_bytes(sources.store_path + "-wal")
                 )
    );
    value.set("integrity", Value::of(std::move(integrity)));
    return value;
}

Value pod_list(const pods::PodManager& manager) {
    Value list = Value::make_array();
    for (const pods::PodSummary& pod : manager.summaries()) {
        Value one = Value::make_object();
        one.set("namespace", Value::of(pod.pod.ns));
        one.set("name", Value::of(pod.pod.name));
        one.set("uid", Value::of(pod.pod.uid));
        one.set("phase", Value::of(pod.phase));
        one.set("ready", Value::of(pod.ready));
        one.set("restarts", Value::of(pod.restarts));
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace

Value make_status(const StatusSources& sources, const store::Outbox& outbox, Now now) {
    Value status = Value::make_object();
    status.set("node", Value::of(sources.node));
    status.set("link", link_status(sources.link, now));
    Value view = Value::make_object();
    view.set("objects", Value::of(sources.store.desired().size()));
    view.set("digest", Value::of(hex_encode(sources.store.desired().digest().bytes())));
    status.set("view", std::move(view));
    Value reports = Value::make_object();
    reports.set("depth", Value::of(outbox.size()));
    reports.set(
        "oldestSeconds",
        Value::of(
            std::chrono::duration_cast<std::chrono::seconds>(sources.ages.oldest(now.mono)).count()
        )
    );
    status.set("outbox", std::move(reports));
    status.set("pods", pod_list(sources.pods));
    status.set("devices", Value::make_array());
    status.set("store", store_status(sources));
    return status;
}

std::string render_status(const Value& status) {
    std::string text = fmt::format("Node      {}\n", status.text_at({"node"}));
    text += fmt::format(
        "Link      {} since {}, hub {}", status.text_at({"link", "state"}),
        status.text_at({"link", "since"}), status.text_at({"link", "hub"})
    );
    if (const auto* rtt = status.at_path({"link", "rttMs"}); rtt != nullptr && rtt->is_number()) {
        text += fmt::format(", round trip {:.1f} ms", rtt->number().value_or(0));
    }
    if (const auto trouble = status.text_at({"link", "trouble"}); !trouble.empty()) {
        text += fmt::format("\n          {}", trouble);
    }
    text += fmt::format(
        "\nView      {} objects, last in sync {}\n", status.integer_at({"view", "objects"}),
        status.text_at({"link", "lastSync"}, "never")
    );
    text += fmt::format(
        "Outbox    {} reports wait, the oldest for {} s\n", status.integer_at({"outbox", "depth"}),
        status.integer_at({"outbox", "oldestSeconds"})
    );
    text += fmt::format(
        "Store     {} ({} kB): {}\n", status.text_at({"store", "path"}),
        status.integer_at({"store", "bytes"}) / 1000, status.text_at({"store", "integrity"})
    );
    const json::Array& pods = status.find("pods")->array();
    if (pods.empty()) return text + "Pods      none\n";
    std::size_t ns_width = 9;
    std::size_t name_width = 4;
    for (const Value& pod : pods) {
        ns_width = std::max(ns_width, pod.text_at({"namespace"}).size());
        name_width = std::max(name_width, pod.text_at({"name"}).size());
    }
    const auto line = [&](std::string_view ns, std::string_view name, std::string_view phase,
                          std::string_view ready, std::string_view restarts) {
        text += fmt::format(
            "{:<{}}  {:<{}}  {:<10}  {:<5}  {}\n", ns, ns_width, name, name_width, phase, ready,
            restarts
        );
    };
    text += "\n";
    line("NAMESPACE", "NAME", "PHASE", "READY", "RESTARTS");
    for (const Value& pod : pods) {
        line(
            pod.text_at({"namespace"}), pod.text_at({"name"}), pod.text_at({"phase"}),
            pod.bool_at({"ready"}) ? "yes" : "no", std::to_string(pod.integer_at({"restarts"}))
        );
    }
    return text;
}

}  // namespace farhold::edge
