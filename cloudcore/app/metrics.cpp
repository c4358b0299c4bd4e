// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/metrics.hpp"

#include "common/datadir/data_dir.hpp"
#include "common/metrics/process.hpp"
#include "common/streams/stream_samples.hpp"
#include "common/tunnel/traffic_samples.hpp"

namespace farhold::cloud {

namespace {

using metrics::add_all;
using metrics::number;
using metrics::Samples;

void collect_reports(Samples& samples, const hub::HubCounters& counters) {
    samples.counter("farhold_hub_reports_total", "Reports by what became of them.")
        .add(number(counters.reports_written), {{"outcome", "written"}})
        .add(number(counters.reports_unchanged), {{"outcome", "unchanged"}})
        .add(number(counters.reports_superseded), {{"outcome", "superseded"}})
        .add(number(counters.reports_retried), {{"outcome", "retried"}});
    add_all<tunnel::ReportClass>(
        samples.counter("farhold_hub_reports_refused_total", "Reports refused for good."), "class",
        counters.reports_refused
    );
    samples
        .counter(
            "farhold_hub_reports_gone_total", "Those of them whose object was not there any more."
        )
        .add(number(counters.reports_gone));
}

}  // namespace

void collect_program(Samples& samples, const std::string& database) {
    metrics::collect_process(samples);
    samples.gauge("farhold_build_info", "1, with the version of the program.")
        .add(1, {{"program", "cloudcore"}, {"version", FARHOLD_VERSION}});
    if (database.empty()) return;
    samples.gauge("farhold_api_store_bytes", "Size of the embedded API's files.")
        .add(number(datadir::file_bytes(database)), {{"file", "db"}})
        .add(number(datadir::file_bytes(database + "-wal")), {{"file", "wal"}});
}

void collect_hub(Samples& samples, const hub::Hub& hub) {
    const hub::HubCounters counters = hub.counters();
    add_all<hub::Phase>(
        samples.gauge("farhold_hub_sessions", "Connections of machines by state."), "state",
        hub.sessions_by_phase()
    );
    samples.counter("farhold_hub_sessions_opened_total", "Connections taken in.")
        .add(number(counters.sessions_opened));
    samples.counter("farhold_hub_sessions_ended_total", "Connections that ended.")
        .add(number(counters.sessions_ended));
    samples.counter("farhold_hub_machines_refused_total", "Connections not taken in.")
        .add(number(counters.machines_refused));
    samples.counter("farhold_hub_epochs_taken_total", "Sessions that got their epoch.")
        .add(number(counters.epochs_taken));
    samples.counter("farhold_hub_fenced_total", "Writes given up since a newer session exists.")
        .add(number(counters.fenced));
    samples.counter("farhold_hub_stores_went_back_total", "Machines whose store was an older one.")
        .add(number(counters.stores_went_back));
    samples.counter("farhold_hub_clones_found_total", "Machines with the identity of another one.")
        .add(number(counters.clones_found));
    samples.counter("farhold_hub_reports_lost_total", "Reports that machines lost unsent.")
        .add(number(counters.reports_lost));
    samples.counter("farhold_hub_slow_readers_total", "Sessions ended since too much was unsent.")
        .add(number(counters.slow_readers));
    samples.counter("farhold_hub_pod_tokens_total", "Requests of machines for tokens of pods.")
        .add(number(counters.sessions.tokens_minted), {{"outcome", "minted"}})
        .add(number(counters.sessions.tokens_refused), {{"outcome", "refused"}})
        .add(number(counters.sessions.tokens_failed), {{"outcome", "failed"}});
    samples.gauge("farhold_hub_holds", "Removals that wait for a person, by scope.")
        .add(number(hub.holds()));
    samples
        .gauge(
            "farhold_hub_kept_objects",
            "Objects that machines keep until somebody confirms their removal."
        )
        .add(number(hub.kept_objects()));
    samples.gauge("farhold_hub_pods_kept_back", "Pods that wait until what they refer to is known.")
        .add(number(hub.pods_kept_back()));
    samples
        .counter(
            "farhold_hub_object_fetches_total", "What pods refer to, asked of the cluster's API."
        )
        .add(number(hub.fetches().arrived), {{"outcome", "arrived"}})
        .add(number(hub.fetches().absent), {{"outcome", "absent"}})
        .add(number(hub.fetches().refused), {{"outcome", "refused"}})
        .add(number(hub.fetches().failed), {{"outcome", "failed"}});
    samples.counter("farhold_hub_objects_sent_total", "Objects sent to machines.")
        .add(number(counters.sessions.objects_sent));
    samples.counter("farhold_hub_removals_sent_total", "Removals sent to machines.")
        .add(number(counters.sessions.removals_sent));
    samples.counter("farhold_hub_lease_renewals_total", "Renewals of nodes' Leases.")
        .add(number(counters.leases_renewed), {{"outcome", "renewed"}})
        .add(number(counters.leases_failed), {{"outcome", "failed"}});
    samples
        .counter(
            "farhold_hub_late_lease_renewals_total",
            "Renewals two intervals or more after the last."
        )
        .add(number(counters.leases_late));
    collect_reports(samples, counters);
    streams::collect_streams(samples, counters.streams);
    tunnel::collect_traffic(
        samples, "farhold_hub", counters.sessions.sent, counters.sessions.received
    );
}

void collect_cluster(Samples& samples, const kube::RequestCounts& requests) {
    auto& family = samples.counter(
        "farhold_cluster_requests_total",
        "Requests to the cluster's API; without a code: no answer."
    );
    for (const auto& [kind, count] : requests) {
        const std::string code = kind.code == 0 ? std::string() : std::to_string(kind.code);
        family.add(
            number(count), {{"verb", kind.verb}, {"resource", kind.resource}, {"code", code}}
        );
    }
}

void collect_autonomy(Samples& samples, const autonomy::KeeperCounters& counters) {
    samples
        .counter(
            "farhold_autonomy_toleration_writes_total",
            "Writes that let a pod stay when its machine is out of reach."
        )
        .add(number(counters.written), {{"result", "written"}})
        .add(number(counters.failed), {{"result", "failed"}})
        .add(number(counters.refused), {{"result", "refused"}});
}

void collect_enrolment(Samples& samples, const enrolment::EnrolmentCounters& counters) {
    samples.counter("farhold_enrolments_total", "Requests of machines to join.")
        .add(number(counters.enrolled), {{"outcome", "enrolled"}})
        .add(number(counters.refused), {{"outcome", "refused"}})
        .add(number(counters.throttled), {{"outcome", "throttled"}});
    samples.counter("farhold_certificate_renewals_total", "Requests for a next certificate.")
        .add(number(counters.renewed), {{"outcome", "renewed"}})
        .add(number(counters.renewals_refused), {{"outcome", "refused"}});
    samples.counter("farhold_machines_left_total", "Machines that left the cluster.")
        .add(number(counters.left));
}

void collect_controllers(
    Samples& samples, const scheduler::Scheduler& scheduler, const nodes::NodeController& nodes
) {
    samples.counter("farhold_scheduler_bindings_total", "Pods given a node.")
        .add(number(scheduler.bound()), {{"outcome", "bound"}})
        .add(number(scheduler.failed()), {{"outcome", "failed"}});
    samples.gauge("farhold_scheduler_waiting_pods", "Pods without a node.")
        .add(number(scheduler.waiting()));
    samples.counter("farhold_nodes_silent_total", "Times that a node fell silent.")
        .add(number(nodes.silences()));
}

}  // namespace farhold::cloud
