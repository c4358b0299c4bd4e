// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/status.hpp"

#include "common/base/encoding.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/time_text.hpp"
#include "edgecore/app/store_watch.hpp"

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
    if (status.phase != link::Phase::live) value.set("downSince", wall_of(status.down_since, now));
    value.set("refused", Value::of(status.refused));
    value.set("epoch", Value::of(status.epoch));
    if (!status.trouble.empty()) value.set("trouble", Value::of(status.trouble));
    return value;
}

Value store_status(const StatusSources& sources) {
    Value value = Value::make_object();
    value.set("path", Value::of(sources.store_path));
    value.set(
        "bytes", Value::of(
                     datadir::file_bytes(sources.store_path) +
                     datadir::file_bytes(sources.store_path + "-wal")
                 )
    );
    value.set(
        "integrity", Value::of(integrity_of(sources.store, sources.link.status().store_went_back))
    );
    value.set("reportsHeld", Value::of(sources.store.reports_held()));
    value.set("reportsLost", Value::of(sources.store.counters().reports_lost));
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
        one.set("reason", Value::of(pod.reason.reason));
        one.set("message", Value::of(pod.reason.message));
        list.push_back(std::move(one));
    }
    return list;
}

std::int64_t whole_seconds(Duration duration) {
    return std::chrono::floor<std::chrono::seconds>(duration).count();
}

Value certificate_status(const MachineIdentity& identity) {
    const WallTime end = identity.certificate().not_after;
    Value value = Value::make_object();
    value.set("notAfter", Value::of(object::format_time(end)));
    value.set("secondsLeft", Value::of(whole_seconds(end - identity.time().now())));
    return value;
}

Value clock_status(const MachineIdentity& identity, Now now) {
    const bool proved = identity.time().proved();
    Value value = Value::make_object();
    value.set("proved", Value::of(proved));
    value.set(
        "offsetSeconds",
        proved ? Value::of(whole_seconds(now.wall - identity.time().now())) : Value()
    );
    return value;
}

Value runtime_status(const StatusSources& sources) {
    const runtime::Connection connection = sources.runtime.connection();
    Value value = Value::make_object();
    value.set("connected", Value::of(connection.connected));
    value.set("endpoint", Value::of(sources.runtime_endpoint));
    value.set("reason", Value::of(connection.reason));
    value.set(
        "version", Value::of(sources.node_status.text_at({"nodeInfo", "containerRuntimeVersion"}))
    );
    return value;
}

Value mqtt_status(const devices::DeviceManager& devices) {
    Value value = Value::make_object();
    const mqtt::MqttClient* broker = devices.broker();
    value.set("connected", Value::of(broker != nullptr && broker->connected()));
    value.set("reason", Value::of(broker == nullptr ? "not configured" : broker->trouble()));
    return value;
}

// The conditions of the Node that are not as they should be.
Value bad_conditions(const json::Value& node_status) {
    Value list = Value::make_array();
    const Value* conditions = node_status.find("conditions");
    if (conditions == nullptr || !conditions->is_array()) return list;
    for (const Value& one : conditions->array()) {
        const bool wanted = one.text_at({"type"}) == "Ready";
        if ((one.text_at({"status"}) == "True") != wanted) list.push_back(one);
    }
    return list;
}

}  // namespace

Value make_status(const StatusSources& sources, const store::Outbox& outbox, Now now) {
    Value status = Value::make_object();
    status.set("node", Value::of(sources.node));
    status.set("version", Value::of(FARHOLD_VERSION));
    status.set("time", Value::of(object::format_time(now.wall)));
    status.set("link", link_status(sources.link, now));
    Value view = Value::make_object();
    view.set("objects", Value::of(sources.store.desired().size()));
    view.set("digest", Value::of(hex_encode(sources.store.desired().digest().bytes())));
    status.set("view", std::move(view));
    Value reports = Value::make_object();
    reports.set("depth", Value::of(outbox.size()));
    reports.set("bytes", Value::of(outbox.bytes()));
    reports.set("oldestSeconds", Value::of(whole_seconds(sources.ages.oldest(now.mono))));
    reports.set("full", Value::of(outbox.found_full()));
    status.set("outbox", std::move(reports));
    status.set("pods", pod_list(sources.pods));
    status.set("devices", sources.devices.status());
    status.set("mqtt", mqtt_status(sources.devices));
    status.set("store", store_status(sources));
    status.set("certificate", certificate_status(sources.identity));
    status.set("clock", clock_status(sources.identity, now));
    status.set("runtime", runtime_status(sources));
    status.set("conditions", bad_conditions(sources.node_status));
    return status;
}

}  // namespace farhold::edge
