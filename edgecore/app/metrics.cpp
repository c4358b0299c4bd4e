// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/metrics.hpp"

#include "common/datadir/data_dir.hpp"
#include "common/metrics/process.hpp"
#include "common/streams/stream_samples.hpp"
#include "common/tunnel/traffic_samples.hpp"

#include <chrono>
#include <map>
#include <string_view>
#include <utility>

namespace farhold::edge {

namespace {

using metrics::add_all;
using metrics::Family;
using metrics::number;
using metrics::Samples;

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

void collect_link_state(Samples& samples, const link::LinkStatus& status, Now now) {
    Family& state = samples.gauge("farhold_link_state", "1 for the state that the link is in.");
    for (const link::Phase phase : link::kPhases) {
        state.add(status.phase == phase ? 1 : 0, {{"state", std::string(to_string(phase))}});
    }
    samples.gauge("farhold_link_connected", "Whether the machine holds its whole view: 1 or 0.")
        .add(status.phase == link::Phase::live ? 1 : 0);
    samples.gauge("farhold_link_refused", "Whether the hub does not take this machine in: 1 or 0.")
        .add(status.refused ? 1 : 0);
    samples.gauge("farhold_link_state_seconds", "Time that the link has been in its state.")
        .add(seconds(now.mono - status.since));
    Family& rtt =
        samples.gauge("farhold_link_round_trip_seconds", "Of the last ping; none without a link.");
    if (status.rtt) rtt.add(seconds(*status.rtt));
    Family& sync = samples.gauge(
        "farhold_link_last_sync_seconds", "Time since the store last became the whole view."
    );
    if (status.last_sync) sync.add(seconds(now.mono - *status.last_sync));
}

void collect_link_counters(Samples& samples, const link::LinkCounters& counters) {
    samples.counter("farhold_link_dials_total", "Attempts to reach a hub.")
        .add(number(counters.dials));
    samples.counter("farhold_link_connects_total", "Attempts that made a connection.")
        .add(number(counters.connects));
    samples.counter("farhold_link_resumes_total", "Sessions that the hub welcomed, by how.")
        .add(number(counters.resumed_in_sync), {{"mode", "in_sync"}})
        .add(number(counters.resumed_by_inventory), {{"mode", "inventory"}})
        .add(number(counters.resumed_to_renew), {{"mode", "renew_only"}});
    add_all<link::EndReason>(
        samples.counter("farhold_link_disconnects_total", "Sessions and attempts that ended."),
        "reason", counters.ended
    );
    tunnel::collect_traffic(samples, "farhold_link", counters.sent, counters.received);
    samples.counter("farhold_link_objects_received_total", "Objects that came from the hub.")
        .add(number(counters.objects_received));
    add_all<tunnel::ReportClass>(
        samples.counter("farhold_link_reports_sent_total", "Reports sent, repetitions too."),
        "class", counters.reports_sent
    );
    add_all<tunnel::ReportClass>(
        samples.counter("farhold_link_report_bytes_total", "Bytes of the reports sent."), "class",
        counters.report_bytes_sent
    );
    add_all<tunnel::ReportClass>(
        samples.counter("farhold_link_reports_refused_total", "Reports refused for good."), "class",
        counters.reports_refused
    );
    add_all<link::QueueBound>(
        samples.counter(
            "farhold_link_reports_dropped_total", "Events and derived reports beyond a limit."
        ),
        "limit", counters.reports_dropped
    );
    samples
        .counter("farhold_link_store_failures_total", "Answers to the hub that the store failed.")
        .add(number(counters.store_failures));
}

void collect_outbox(Samples& samples, const store::Outbox& outbox, Duration oldest) {
    samples.gauge("farhold_outbox_reports", "Durable reports that wait for the hub.")
        .add(number(outbox.size()));
    samples.gauge("farhold_outbox_bytes", "Bytes of those reports.").add(number(outbox.bytes()));
    samples
        .gauge(
            "farhold_outbox_oldest_seconds",
            "How long the oldest has waited, since the start at most."
        )
        .add(seconds(oldest));
    samples
        .counter("farhold_outbox_superseded_total", "Reports replaced by a newer one of their key.")
        .add(number(outbox.superseded()));
    samples.counter("farhold_outbox_full_total", "Reports for which there was no room.")
        .add(number(outbox.found_full()));
}

void collect_store(Samples& samples, const MetricSources& sources) {
    const store::StateKeeper& store = sources.store;
    samples.gauge("farhold_store_bytes", "Size of the store's files.")
        .add(number(datadir::file_bytes(sources.store_path)), {{"file", "db"}})
        .add(number(datadir::file_bytes(sources.store_path + "-wal")), {{"file", "wal"}});
    samples.gauge("farhold_store_objects", "Objects that are wanted on this machine.")
        .add(number(store.desired().size()));
    samples.gauge("farhold_store_complete", "Whether a missing object is known not to be wanted.")
        .add(store.desired().complete() ? 1 : 0);
    samples.gauge("farhold_store_generation", "How often the store was opened.")
        .add(number(store.meta().generation));
    samples.gauge("farhold_store_writable", "Whether the last commit succeeded: 1 or 0.")
        .add(store.trouble().empty() ? 1 : 0);
    const store::KeeperCounters& counters = store.counters();
    samples.counter("farhold_store_commits_total", "Transactions on the disk.")
        .add(number(counters.commits));
    samples.counter("farhold_store_commit_failures_total", "Transactions that failed.")
        .add(number(counters.failed_commits));
    samples.histogram("farhold_store_commit_seconds", "How long a transaction takes.")
        .add(counters.commit_seconds);
    const store::LoadReport& loaded = store.load_report();
    samples.counter("farhold_store_damaged_rows_total", "Rows set aside since they were damaged.")
        .add(number(loaded.damaged_desired), {{"table", "desired"}})
        .add(number(loaded.damaged_reports), {{"table", "reports"}})
        .add(number(loaded.damaged_memory), {{"table", "memory"}});
    samples.counter("farhold_store_replacements_total", "Databases that gave way to a new one.")
        .add(loaded.replaced_database.empty() ? 0 : 1);
    samples.gauge("farhold_store_full", "Whether the disk is full: 1 or 0.")
        .add(store.health() == store::Health::full ? 1 : 0);
    samples.counter("farhold_store_rewrites_total", "Databases written anew after a failure.")
        .add(number(counters.rewrites));
    samples.gauge("farhold_store_reports_held", "Reports in memory only, as the disk is full.")
        .add(number(store.reports_held()));
    samples.counter("farhold_store_objects_refused_total", "Updates put off, as the disk is full.")
        .add(number(counters.objects_refused));
    samples.counter("farhold_reports_lost_total", "Durable reports that nobody will ever get.")
        .add(number(counters.reports_lost));
}

void collect_pods(Samples& samples, const pods::PodManager& manager) {
    std::map<std::string, int> phases = {
        {"Pending", 0}, {"Running", 0}, {"Succeeded", 0}, {"Failed", 0}, {"Unknown", 0}
    };
    int ready = 0;
    for (const pods::PodSummary& pod : manager.summaries()) {
        ++phases[pod.phase];
        ready += pod.ready ? 1 : 0;
    }
    Family& pods = samples.gauge("farhold_pods", "Pods on this machine by their phase.");
    for (const auto& [phase, count] : phases) pods.add(count, {{"phase", phase}});
    samples.gauge("farhold_pods_ready", "Pods that are ready.").add(ready);
    const pods::PodCounters& counters = manager.counters();
    samples.counter("farhold_sandbox_starts_total", "Pod sandboxes started.")
        .add(number(counters.sandboxes_started));
    samples.counter("farhold_container_starts_total", "Containers started.")
        .add(number(counters.containers_started));
    samples
        .counter("farhold_container_restarts_total", "Containers made again after an earlier one.")
        .add(number(counters.containers_restarted));
    samples.counter("farhold_image_pulls_total", "Images pulled.")
        .add(number(counters.images_pulled));
    samples.counter("farhold_pod_operation_failures_total", "Steps of pods that failed.")
        .add(number(counters.operations_failed));
    samples.counter("farhold_pod_tokens_total", "Answers of the hub to wishes for tokens of pods.")
        .add(number(counters.tokens_received), {{"outcome", "received"}})
        .add(number(counters.tokens_refused), {{"outcome", "refused"}});
}

void collect_devices(Samples& samples, const devices::DeviceManager& manager) {
    const twin::TwinCounters& counters = manager.twins().counters();
    samples.gauge("farhold_devices", "Devices of this machine.")
        .add(number(manager.twins().size()));
    samples.counter("farhold_device_updates_total", "Properties that messages of devices spoke of.")
        .add(number(counters.updates - counters.unchanged), {{"news", "yes"}})
        .add(number(counters.unchanged), {{"news", "no"}});
    samples.counter("farhold_device_messages_refused_total", "Messages answered with an error.")
        .add(number(counters.refused));
    samples
        .counter(
            "farhold_device_messages_ignored_total", "Messages for others, and old retained ones."
        )
        .add(number(counters.ignored));
    samples.counter("farhold_device_deltas_total", "Deltas said to mappers, repetitions too.")
        .add(number(counters.deltas));
    samples.counter("farhold_device_reports_total", "Reports about devices for the cloud.")
        .add(number(counters.reports));
    const mqtt::MqttClient* broker = manager.broker();
    const mqtt::ClientCounters traffic =
        broker == nullptr ? mqtt::ClientCounters() : broker->counters();
    samples.gauge("farhold_mqtt_connected", "Whether the MQTT broker takes us in: 1 or 0.")
        .add(broker != nullptr && broker->connected() ? 1 : 0);
    samples.counter("farhold_mqtt_losses_total", "Connections to the MQTT broker that ended.")
        .add(number(traffic.losses));
    samples.counter("farhold_mqtt_messages_total", "MQTT messages.")
        .add(number(traffic.received), {{"direction", "received"}})
        .add(number(traffic.published), {{"direction", "published"}});
    samples.counter("farhold_mqtt_unpublished_total", "MQTT messages that the broker did not take.")
        .add(number(traffic.not_published));
}

void collect_runtime(Samples& samples, const runtime::CriRuntime& runtime) {
    samples.gauge("farhold_runtime_connected", "Whether the container runtime answers: 1 or 0.")
        .add(runtime.connection().connected ? 1 : 0);
    samples.counter("farhold_runtime_losses_total", "Times that the container runtime went away.")
        .add(number(runtime.losses()));
    Family& calls =
        samples.counter("farhold_runtime_calls_total", "Calls of the runtime answered.");
    Family& failures =
        samples.counter("farhold_runtime_call_failures_total", "Calls answered with an error.");
    Family& time =
        samples.counter("farhold_runtime_call_seconds_total", "Time spent in the calls.");
    for (const auto& [method, stats] : runtime.call_stats()) {
        calls.add(number(stats.calls), {{"method", method}});
        failures.add(number(stats.failures), {{"method", method}});
        time.add(seconds(stats.time), {{"method", method}});
    }
}

void collect_identity(Samples& samples, const MachineIdentity& identity, Now now) {
    const WallTime trusted = identity.time().now();
    samples
        .gauge(
            "farhold_certificate_expiry_seconds", "Life left of the certificate, by trusted time."
        )
        .add(seconds(identity.certificate().not_after - trusted));
    Family& offset = samples.gauge(
        "farhold_clock_offset_seconds",
        "Wall clock minus the hub's time; none before a hub told it."
    );
    if (identity.time().proved()) offset.add(seconds(now.wall - trusted));
}

}  // namespace

void collect(Samples& samples, const MetricSources& sources, Now now) {
    metrics::collect_process(samples);
    samples.gauge("farhold_build_info", "1, with the version of the program.")
        .add(1, {{"program", "edgecore"}, {"version", FARHOLD_VERSION}});
    const link::LinkStatus& link = sources.link.status();
    collect_link_state(samples, link, now);
    streams::collect_streams(samples, sources.link.stream_counters());
    collect_link_counters(samples, link.counters);
    collect_outbox(samples, sources.store.outbox(), sources.ages.oldest(now.mono));
    collect_store(samples, sources);
    collect_pods(samples, sources.pods);
    collect_devices(samples, sources.devices);
    collect_runtime(samples, sources.runtime);
    collect_identity(samples, sources.identity, now);
}

}  // namespace farhold::edge
