// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/report_writer.hpp"

#include "common/object/patch.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/view_builder.hpp"

using namespace farhold;
using namespace farhold::hub;
using namespace farhold::test;
using json::Value;
using tunnel::ReportClass;

namespace {

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2030} / 1 / 1};

tunnel::Report report(
    std::string key, std::string uid, std::string body, ReportClass cls = ReportClass::derived
) {
    return {
        .cls = cls, .key = std::move(key), .uid = std::move(uid), .seq = 0, .body = std::move(body)
    };
}

Value pod(const char* status, const char* mark = "") {
    Value object = pod_object("p", "pod-uid");
    object.set("status", Value::parse(status).value());
    if (*mark != '\0') {
        object.ensure_path({"metadata", "annotations"}).set("farhold.io/report", Value::of(mark));
    }
    return object;
}

WriteDecision decide(
    const tunnel::Report& one, const Value* current, ReportMark mark = {.epoch = 3, .ordinal = 7}
) {
    return decide_write(kNode, ReportTarget::parse(one).value(), one, mark, current, kNow);
}

std::string refusal(const WriteDecision& decision) {
    const auto* refuse = std::get_if<Refuse>(&decision);
    return refuse == nullptr ? "" : refuse->reason;
}

// The object after the write.
Value written(const tunnel::Report& one, const Value& current) {
    const auto decision = decide(one, &current);
    REQUIRE(std::holds_alternative<WriteStatus>(decision));
    Value object = current;
    object::merge_patch(object, std::get<WriteStatus>(decision).patch);
    return object;
}

}  // namespace

TEST_CASE("report_writer: marks are read and ordered", "[report_writer]") {
    CHECK(ReportMark::parse("3.7") == ReportMark{3, 7});
    CHECK(ReportMark{3, 7}.text() == "3.7");
    CHECK(ReportMark{3, 7} < ReportMark{3, 8});
    CHECK(ReportMark{3, 9} < ReportMark{4, 1});
    for (const char* bad :
         {"", ".", "3", "3.", ".7", "a.7", "3.7x", "-3.7", "99999999999999999999.1"}) {
        CHECK_FALSE(ReportMark::parse(bad));
    }
}

TEST_CASE("report_writer: keys say what a report is about", "[report_writer]") {
    using Kind = ReportTarget::Kind;
    const auto kind = [](const char* key, ReportClass cls) {
        return ReportTarget::parse(report(key, "", "", cls)).value().kind;
    };
    CHECK(kind("PodStatus/default/a", ReportClass::durable) == Kind::pod_status);
    CHECK(kind("PodGone/default/a", ReportClass::durable) == Kind::pod_gone);
    CHECK(kind("NodeStatus//edge-1", ReportClass::derived) == Kind::node_status);
    CHECK(kind("Event/default/e", ReportClass::event) == Kind::event);
    CHECK_FALSE(ReportTarget::parse(report("Secret/default/s", "", "")));
    CHECK_FALSE(ReportTarget::parse(report("nonsense", "", "")));
    // The rate limit is for events, so nothing else may call itself one, and no event may not.
    CHECK_FALSE(ReportTarget::parse(report("PodStatus/default/a", "", "", ReportClass::event)));
    CHECK_FALSE(ReportTarget::parse(report("Event/default/e", "", "")));
}

TEST_CASE("report_writer: writes the status, guarded and marked", "[report_writer]") {
    const Value current = pod(R"({"phase":"Pending","reason":"old","qosClass":"Burstable"})");
    const auto one = report("PodStatus/default/p", "pod-uid", R"({"phase":"Running","n":1.0})");
    const auto decision = decide(one, &current);
    CHECK(
        std::get<WriteStatus>(decision).patch ==
        Value::parse(R"({"metadata":{"uid":"pod-uid","resourceVersion":"9","annotations":)"
                     R"({"farhold.io/report":"3.7"}},)"
                     R"("status":{"reason":null,"phase":"Running","n":1.0}})")
            .value()
    );
    const Value after = written(one, current);
    CHECK(
        *after.find("status") ==
        Value::parse(R"({"phase":"Running","n":1.0,"qosClass":"Burstable"})").value()
    );
}

TEST_CASE("report_writer: only what is newer is written", "[report_writer]") {
    const auto one = report("PodStatus/default/p", "pod-uid", R"({"phase":"Running"})");
    const auto with_mark = [&](const char* mark) {
        const Value current = pod(R"({"phase":"Pending"})", mark);
        return decide(one, &current);
    };
    CHECK(std::holds_alternative<WriteStatus>(with_mark("2.900")));
    CHECK(std::holds_alternative<WriteStatus>(with_mark("3.6")));
    CHECK(std::holds_alternative<Superseded>(with_mark("3.7")));
    CHECK(std::holds_alternative<Superseded>(with_mark("3.8")));
    CHECK(std::get<Fenced>(with_mark("4.1")).epoch == 4);
    CHECK(std::holds_alternative<WriteStatus>(with_mark("garbage")));
}

TEST_CASE("report_writer: an unchanged status is written once an epoch", "[report_writer]") {
    const auto one = report("PodStatus/default/p", "pod-uid", R"({"phase":"Running","gone":null})");
    const Value older = pod(R"({"phase":"Running"})", "2.1");
    CHECK(std::holds_alternative<WriteStatus>(decide(one, &older)));
    const Value same = pod(R"({"phase":"Running"})", "3.6");
    CHECK(std::holds_alternative<NothingToDo>(decide(one, &same)));
}

TEST_CASE(
    "report_writer: conditions of others stay, times of transition are true", "[report_writer]"
) {
    const Value current = pod(
        R"({"conditions":[{"type":"PodScheduled","status":"True"},)"
        R"({"type":"Ready","status":"True","lastTransitionTime":"2025-01-01T00:00:00Z"},)"
        R"({"type":"Initialized","status":"False","lastTransitionTime":"2029-01-01T00:00:00Z"},)"
        R"({"type":"New","status":"False","lastTransitionTime":"2025-01-01T00:00:00Z"}]})"
    );
    const Value after = written(
        report(
            "PodStatus/default/p", "pod-uid",
            R"({"conditions":[)"
            R"({"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},)"
            R"({"type":"Initialized","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},)"
            R"({"type":"New","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]})"
        ),
        current
    );
    CHECK(
        *after.at_path({"status", "conditions"}) ==
        Value::parse(
            R"([{"type":"Ready","status":"True","lastTransitionTime":"2025-01-01T00:00:00Z"},)"
            R"({"type":"Initialized","status":"True","lastTransitionTime":"2030-01-01T00:00:00Z"},)"
            R"({"type":"New","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},)"
            R"({"type":"PodScheduled","status":"True"}])"
        )
            .value()
    );
}

TEST_CASE("report_writer: a node writes its own objects and no others", "[report_writer]") {
    const Value own = pod("{}");
    Value foreign = pod("{}");
    foreign.ensure_path({"spec"}).set("nodeName", Value::of("edge-2"));
    Value unbound = pod("{}");
    unbound.ensure_path({"spec"}).erase("nodeName");
    const Value node = node_object();

    const auto status = report("PodStatus/default/p", "pod-uid", "{}");
    CHECK(refusal(decide(status, &own)).empty());
    CHECK(refusal(decide(status, &foreign)) == "the pod is not bound to this node");
    CHECK(refusal(decide(status, &unbound)) == "the pod is not bound to this node");
    CHECK(refusal(decide(status, nullptr)) == "the object does not exist");
    CHECK(
        refusal(decide(report("PodStatus/default/p", "other", "{}"), &own)) ==
        "the object has another uid"
    );
    CHECK(
        refusal(decide(report("PodStatus/default/p", "", "{}"), &own)) ==
        "the object has another uid"
    );
    CHECK(refusal(decide(report("NodeStatus//edge-1", "node-uid", "{}"), &node)).empty());
    CHECK(
        refusal(decide(report("NodeStatus//edge-2", "node-uid", "{}"), &node)) ==
        "not the node's own status"
    );
    CHECK(
        refusal(decide(report("NodeStatus/ns/edge-1", "node-uid", "{}"), &node)) ==
        "not the node's own status"
    );
    CHECK(
        refusal(decide(report("PodGone/default/p", "pod-uid", "{}"), &foreign)) ==
        "the pod is not bound to this node"
    );
}

TEST_CASE("report_writer: a Node leads to the kubelet of all machines", "[report_writer]") {
    Value node = Value::parse(R"({"kind":"Node","metadata":{"name":"edge-1","uid":"n"}})").value();
    const auto one = report("NodeStatus//edge-1", "n", R"({"addresses":[
        {"type":"InternalIP","address":"192.168.1.5"},{"type":"Hostname","address":"robot"}]})");
    auto target = ReportTarget::parse(one).value();
    target.kubelet = KubeletEndpoint{"10.1.2.3", 10250};
    const auto decision = decide_write("edge-1", target, one, {3, 7}, &node, kNow);
    REQUIRE(std::holds_alternative<WriteStatus>(decision));
    object::merge_patch(node, std::get<WriteStatus>(decision).patch);
    CHECK(
        *node.at_path({"status", "addresses"}) ==
        Value::parse(R"([{"type":"InternalIP","address":"10.1.2.3"},
                         {"type":"InternalIP","address":"192.168.1.5"}])")
            .value()
    );
    CHECK(node.integer_at({"status", "daemonEndpoints", "kubeletEndpoint", "Port"}) == 10250);
    CHECK(
        node.text_at({"metadata", "annotations", "metrics.k8s.io/resource-metrics-path"}) ==
        "/nodes/edge-1/metrics/resource"
    );
}

TEST_CASE("report_writer: a body that is no object is refused", "[report_writer]") {
    const Value own = pod("{}");
    for (const char* body : {"", "[]", "1", "{", "{}{}"}) {
        CHECK_FALSE(refusal(decide(report("PodStatus/default/p", "pod-uid", body), &own)).empty());
    }
    std::string deep(200, '[');
    CHECK_FALSE(
        refusal(decide(report("PodStatus/default/p", "pod-uid", "{\"a\":" + deep), &own)).empty()
    );
}

TEST_CASE("report_writer: a pod goes only when somebody asked for it", "[report_writer]") {
    const auto gone = report("PodGone/default/p", "pod-uid", "{}", ReportClass::durable);
    Value current = pod("{}", "9.9");
    CHECK(refusal(decide(gone, &current)) == "nobody asked for the deletion of this pod");
    current.ensure_path({"metadata"}).set("deletionTimestamp", Value::of("2026-01-01T00:00:00Z"));
    CHECK(std::get<DeletePod>(decide(gone, &current)).uid == "pod-uid");
    CHECK(std::holds_alternative<NothingToDo>(decide(gone, nullptr)));
    CHECK(std::holds_alternative<NothingToDo>(
        decide(report("PodGone/default/p", "older", "{}", ReportClass::durable), &current)
    ));
}

TEST_CASE("report_writer: events speak of the node and its pods only", "[report_writer]") {
    Cluster cluster;
    put(cluster.views, node_object());
    put(cluster.views, pod_object("p", "pod-uid"));
    const auto make = [&](const char* key, const char* kind, const char* ns, const char* name) {
        const auto one = report(
            key, "",
            fmt::format(
                R"({{"involvedObject":{{"kind":"{}","namespace":"{}","name":"{}"}},)"
                R"("metadata":{{"name":"x","labels":{{"a":"b"}},"finalizers":["f"]}},)"
                R"("source":{{"component":"edgecore","host":"edge-2"}},"reason":"Started"}})",
                kind, ns, name
            ),
            ReportClass::event
        );
        return make_reported_event(kNode, ReportTarget::parse(one).value(), one, cluster.view());
    };
    const auto event = make("Event/default/p.1", "Pod", "default", "p");
    REQUIRE(event);
    CHECK(
        *event->find("metadata") == Value::parse(R"({"name":"p.1","namespace":"default"})").value()
    );
    CHECK(event->text_at({"source", "host"}) == kNode);
    CHECK(event->text_at({"kind"}) == "Event");
    CHECK(event->text_at({"reason"}) == "Started");
    CHECK(make("Event/default/n.1", "Node", "", "edge-1"));
    CHECK_FALSE(make("Event/default/n.1", "Node", "", "edge-2"));
    // A pod of which nothing is known any more is no offence.
    const auto of_nobody = make("Event/default/q.1", "Pod", "default", "q");
    REQUIRE_FALSE(of_nobody);
    CHECK(of_nobody.error().code() == ErrorCode::not_found);
    CHECK_FALSE(make("Event/kube-system/p.1", "Pod", "default", "p"));
    CHECK_FALSE(make("Event/kube-system/n.1", "Node", "", "edge-1"));
    CHECK_FALSE(make("Event/default/s.1", "Secret", "default", "s"));
}
