// SPDX-License-Identifier: Apache-2.0
#include "common/object/time_text.hpp"
#include "schema_fixture.hpp"

#include <algorithm>

using namespace farhold;
using namespace farhold::kubeschema;

namespace {

const WallTime kNow = *object::parse_time("2026-01-01T00:05:00Z");

std::string cells(std::string_view kind, std::string_view text) {
    json::Value row = json::Value::make_array();
    for (json::Value& cell : type_of(kind).cells(parse_json(text), kNow)) {
        row.push_back(std::move(cell));
    }
    CHECK(row.size() == type_of(kind).columns.size());
    return row.dump();
}

}  // namespace

TEST_CASE("registry: kinds are found by plural and by kind, entries come and go", "[kubeschema]") {
    Registry registry = Registry::built_in();
    CHECK(registry.all().size() == 11);
    const auto leases = registry.find("coordination.k8s.io", "v1", "leases");
    REQUIRE(leases);
    CHECK(leases->qualified_plural() == "leases.coordination.k8s.io");
    CHECK(leases->group_version() == "coordination.k8s.io/v1");
    CHECK(registry.find_kind("", "v1", "Pod")->qualified_kind() == "Pod");
    CHECK(registry.find("", "v1", "leases") == nullptr);
    for (const auto& type : registry.all()) {
        INFO(type->kind);
        CHECK(type->message != nullptr);
        CHECK(std::ranges::is_sorted(type->verbs));
        CHECK((type->is_review || type->columns.size() > 1));
    }
    ResourceType widget;
    widget.group = "example.org";
    widget.version = "v1";
    widget.kind = "Widget";
    widget.plural = "widgets";
    registry.add(widget);
    widget.short_names = {"w"};
    registry.add(widget);
    CHECK(registry.all().size() == 12);
    CHECK(registry.find("example.org", "v1", "widgets")->short_names.size() == 1);
    CHECK(registry.remove("example.org", "v1", "widgets"));
    CHECK_FALSE(registry.remove("example.org", "v1", "widgets"));
}

TEST_CASE("namespace: it is labelled, active and kept by its finalizer", "[kubeschema]") {
    const auto stored =
        created("Namespace", R"({"metadata":{"name":"x"},"status":{"phase":"Foo"}})");
    CHECK(stored.text_at({"metadata", "labels", "kubernetes.io/metadata.name"}) == "x");
    CHECK(stored.at_path({"spec", "finalizers"})->dump() == R"(["kubernetes"])");
    CHECK(stored.text_at({"status", "phase"}) == "Active");

    json::Value updated = parse_json(R"({"metadata":{"name":"x","labels":{}},"spec":{}})");
    apply_defaults(type_of("Namespace"), updated);
    json::Value finalized = updated;
    prepare_update(type_of("Namespace"), updated, stored, Part::main);
    CHECK(updated.at_path({"spec", "finalizers"})->dump() == R"(["kubernetes"])");
    prepare_update(type_of("Namespace"), finalized, stored, Part::finalize);
    CHECK(finalized.at_path({"spec", "finalizers"}) == nullptr);
    CHECK(finalized.text_at({"status", "phase"}) == "Active");
    CHECK(creation_errors("Namespace", R"({"metadata":{"name":"a.b"}})").size() == 1);
    CHECK(cells("Namespace", stored.dump()) == R"(["x","Active","5m"])");
}

TEST_CASE("node: taints are checked, its status is taken at creation", "[kubeschema]") {
    const auto stored =
        created("Node", R"({"metadata":{"name":"n"},"status":{"capacity":{"cpu":1}}})");
    CHECK(stored.text_at({"status", "capacity", "cpu"}) == "1");
    CHECK(
        creation_errors(
            "Node", R"({"metadata":{"name":"n"},"spec":{"taints":[{"key":"a","effect":"No"}]}})"
        ) == Texts{"metadata.taints[0].effect: Unsupported value: \"No\": supported values: "
                   "\"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\""}
    );
    CHECK(
        creation_errors(
            "Node",
            R"({"metadata":{"name":"n"},"spec":{"taints":[{"key":"a","effect":"NoExecute"},)"
            R"({"key":"a","effect":"NoExecute","value":"x"}]}})"
        )
            .size() == 1
    );
}

TEST_CASE("node: the table shows status, roles and addresses", "[kubeschema]") {
    CHECK(
        cells(
            "Node",
            R"({"metadata":{"name":"n","creationTimestamp":"2026-01-01T00:00:00Z","labels":{)"
            R"("node-role.kubernetes.io/edge":"","kubernetes.io/role":"a"}},)"
            R"("spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready",)"
            R"("status":"True"}],)"
            R"("addresses":[{"type":"InternalIP","address":"10.0.0.1"}],"nodeInfo":{)"
            R"("kubeletVersion":"v1.36.0","kernelVersion":"6.1.0","architecture":"amd64"}}})"
        ) == R"(["n","Ready,SchedulingDisabled","a,edge","5m","v1.36.0","10.0.0.1","<none>",)"
             R"j("<unknown>","6.1.0 (amd64)","<unknown>"])j"
    );
    CHECK(
        cells("Node", R"({"metadata":{"name":"n"}})") ==
        R"(["n","Unknown","<none>","<unknown>","","<none>","<none>","<unknown>","<unknown>",)"
        R"("<unknown>"])"
    );
}

TEST_CASE("event: it lives beside its object, and the table is kubectl's", "[kubeschema]") {
    CHECK(creation_errors(
              "Event", R"({"metadata":{"name":"e"},"involvedObject":{"namespace":"default"}})"
    )
              .empty());
    CHECK(
        creation_errors(
            "Event", R"({"metadata":{"name":"e"},"involvedObject":{"namespace":"x"}})"
        ) == Texts{"involvedObject.namespace: Invalid value: \"x\": does not match event.namespace"}
    );
    CHECK(
        cells(
            "Event",
            R"({"metadata":{"name":"e"},"type":"Warning","reason":"Failed","message":" hm\n",)"
            R"("involvedObject":{"kind":"Pod","name":"p","fieldPath":"spec.containers{c}"},)"
            R"("source":{"component":"edge","host":"n"},"count":3,)"
            R"("firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:04:30Z"})"
        ) == R"(["30s","Warning","Failed","pod/p","spec.containers{c}","edge, n","hm","5m",3,"e"])"
    );
}

TEST_CASE("lease: durations are positive and updates conditional", "[kubeschema]") {
    CHECK(
        creation_errors(
            "Lease", R"({"metadata":{"name":"l"},"spec":{"leaseDurationSeconds":0}})"
        ) == Texts{"spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"}
    );
    CHECK_FALSE(type_of("Lease").allow_unconditional_update);
    CHECK(type_of("Lease").allow_create_on_update);
    CHECK(
        cells("Lease", R"({"metadata":{"name":"l"},"spec":{"holderIdentity":"n"}})") ==
        R"(["l","n","<unknown>"])"
    );
}

TEST_CASE("tables: counts of keys are numbers", "[kubeschema]") {
    CHECK(
        cells("ConfigMap", R"({"metadata":{"name":"c"},"data":{"a":"1"},"binaryData":{"b":""}})") ==
        R"(["c",2,"<unknown>"])"
    );
    CHECK(
        cells("Secret", R"({"metadata":{"name":"s"},"type":"Opaque"})") ==
        R"(["s","Opaque",0,"<unknown>"])"
    );
    CHECK(cells("ServiceAccount", R"({"metadata":{"name":"s"}})") == R"(["s","<unknown>"])");
}
