// SPDX-License-Identifier: Apache-2.0
//
// What the other kinds have of their own: Namespace, Node, ConfigMap, Secret, ServiceAccount, Lease
// and Event.
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

const std::string kNamespaces = "/api/v1/namespaces";
const std::string kNodes = "/api/v1/nodes";
const std::string kSecrets = "/api/v1/namespaces/default/secrets";
const std::string kAccounts = "/api/v1/namespaces/default/serviceaccounts";
const std::string kEvents = "/api/v1/namespaces/default/events";
const std::string kLeases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const std::string kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

void check_codes(
    TestApi& api, const std::string& method, const std::string& target,
    const std::vector<std::pair<std::string, int>>& bodies
) {
    for (const auto& [body, code] : bodies) {
        INFO(method << " " << target << " " << body);
        Question question = api.question(method, target, body);
        if (method == "PATCH") question.content_type = "application/merge-patch+json";
        CHECK(api.ask(question).code == code);
    }
}

}  // namespace

TEST_CASE("namespace: it ends in its own way", "[api]") {
    TestApi api;
    const std::string one = kNamespaces + "/n";
    check_codes(
        api, "POST", kNamespaces,
        {
            {R"({"metadata":{"name":"n"},"spec":{"finalizers":["example.com/x"]}})", 201},
            {R"({"metadata":{"name":"m"},"spec":{"finalizers":["x"]}})", 422},
            {R"({"metadata":{"name":"m","labels":{"kubernetes.io/metadata.name":"x"}}})", 201},
        }
    );
    check_codes(
        api, "PATCH", one,
        {
            {R"({"metadata":{"labels":{"kubernetes.io/metadata.name":null,"a":"b"}}})", 200},
            {R"({"metadata":{"labels":{"kubernetes.io/metadata.name":"x"}}})", 200},
            {R"({"spec":{"finalizers":null}})", 200},
            {R"({"status":{"phase":"Terminating"}})", 200},
        }
    );
    check_codes(
        api, "PATCH", one + "/status",
        {
            {R"({"status":{"phase":"Terminating"}})", 422},
            {R"({"status":{"phase":"Foo"}})", 422},
            {R"({"status":{"conditions":[{"type":"A","status":"True"}]}})", 200},
        }
    );
    CHECK(api.remove(one, R"({"preconditions":{"uid":"x"}})").code == 409);
    const Answer waiting = api.remove(one);
    CHECK(waiting.text_at({"status", "phase"}) == "Terminating");
    CHECK(api.remove(one).code == 200);
    check_codes(api, "PATCH", one + "/status", {{R"({"status":{"phase":"Active"}})", 422}});
    json::Value stale = waiting.body;
    stale["metadata"]["resourceVersion"] = json::Value::of("1");
    CHECK(api.put(one + "/finalize", stale).code == 409);
    json::Value emptied = api.get(one).body;
    emptied["spec"].erase("finalizers");
    CHECK(api.put(one + "/finalize", emptied).code == 200);
    CHECK(api.get(one).code == 404);
    CHECK(api.put(one + "/finalize", emptied).code == 404);
    for (const char* kept : {"default", "kube-system", "kube-public"}) {
        CHECK(api.remove(kNamespaces + "/" + kept).code == 403);
    }
    CHECK(api.remove(kNamespaces).code == 405);
    api.accept = kTable;
    CHECK(api.get(kNamespaces).code == 200);
}

TEST_CASE("namespace: content is read where there is no namespace, but not written", "[api]") {
    TestApi api;
    const std::string there = "/api/v1/namespaces/none/configmaps";
    CHECK(api.get(there).code == 200);
    CHECK(api.get(there + "/a").code == 404);
    CHECK(api.remove(there + "/a").code == 404);
    CHECK(api.remove(there).code == 200);
    CHECK(api.put(there + "/a", json::Value::parse(config_map("a")).value()).code == 404);
    CHECK(api.patch(there + "/a", "merge-patch", "{}").code == 404);
    CHECK(api.post(there, config_map("a")).code == 404);
    CHECK(
        api.put(
               "/apis/coordination.k8s.io/v1/namespaces/none/leases/l",
               json::Value::parse(R"({"metadata":{"name":"l"}})").value()
        )
            .code == 404
    );
}

TEST_CASE("node: a machine registers and reports", "[api]") {
    TestApi api;
    const std::string one = kNodes + "/n";
    const Answer made = api.post(
        kNodes,
        R"({"metadata":{"name":"n","labels":{"node-role.kubernetes.io/edge":"","a":"b"}},)"
        R"("spec":{"podCIDR":"10.1.0.0/24","podCIDRs":["10.1.0.0/24"],"providerID":"x://1",)"
        R"("taints":[{"key":"k","value":"v","effect":"NoSchedule"}]},)"
        R"("status":{"capacity":{"cpu":"4000m","memory":"8192Mi","pods":"110"},)"
        R"("allocatable":{"cpu":"3.5"},"addresses":[{"type":"InternalIP","address":"10.0.0.1"},)"
        R"({"type":"Hostname","address":"n"}],"nodeInfo":{"kubeletVersion":"v1",)"
        R"("architecture":"amd64","kernelVersion":"6.1","osImage":"Debian",)"
        R"("containerRuntimeVersion":"containerd://1.6"},)"
        R"("conditions":[{"type":"Ready","status":"False"}]}})"
    );
    CHECK(made.code == 201);
    const Answer ready = api.patch(
        one + "/status", "strategic-merge-patch",
        R"({"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}],)"
        R"("addresses":[{"$patch":"replace"},{"type":"InternalIP","address":"10.0.0.2"},)"
        R"({"type":"InternalIP","address":"fd00::1"}],"images":[{"names":["i:1"],"sizeBytes":5}]}})"
    );
    CHECK(ready.code == 200);
    CHECK(ready.body.elements_at({"status", "addresses"}).size() == 2);
    // kubectl cordon, kubectl taint.
    CHECK(api.patch(one, "strategic-merge-patch", R"({"spec":{"unschedulable":true}})")
              .body.bool_at({"spec", "unschedulable"}));
    CHECK(
        api.patch(one, "strategic-merge-patch", R"({"spec":{"unschedulable":null}})").code == 200
    );
    const Answer tainted = api.patch(
        one, "strategic-merge-patch",
        R"({"spec":{"taints":[{"key":"l","effect":"NoExecute"},{"key":"k","effect":"NoExecute"}]}})"
    );
    CHECK(tainted.code == 200);
    check_codes(
        api, "PATCH", one,
        {
            {R"({"spec":{"taints":[{"key":"a b","effect":"NoExecute"}]}})", 422},
            {R"({"spec":{"taints":[{"key":"a","effect":"Foo"}]}})", 422},
            {R"({"spec":{"taints":[{"key":"a"}]}})", 422},
            {R"({"spec":{"taints":[{"key":"a","effect":"NoExecute"},{"key":"a","effect":"NoExecute"}]}})",
             422},
            {R"({"spec":{"podCIDR":"10.2.0.0/24"}})", 422},
            {R"({"spec":{"podCIDRs":null}})", 200},
            {R"({"spec":{"providerID":"y"}})", 422},
            {R"({"spec":{"providerID":null}})", 422},
            {R"({"status":{"phase":"Foo"}})", 200},
        }
    );
    check_codes(
        api, "PATCH", one + "/status",
        {
            {R"({"metadata":{"labels":{"c":"d"},"annotations":{"e":"f"}}})", 200},
            {R"({"spec":{"unschedulable":true}})", 200},
            {R"({"status":{"capacity":{"cpu":"x"}}})", 422},
            {R"({"status":{"capacity":{"cpu":"-1"}}})", 422},
        }
    );
    api.accept = kTable;
    CHECK(api.get(kNodes).code == 200);
    api.accept = "application/json";
    CHECK(api.get(kNodes + "?fieldSelector=spec.unschedulable=true").code == 200);
    CHECK(api.get(kNodes + "?fieldSelector=spec.unschedulable=false").code == 200);
    CHECK(api.remove(one).code == 200);
    CHECK(api.remove(one).code == 404);
}

TEST_CASE("node: what it cannot be is refused", "[api]") {
    TestApi api;
    check_codes(
        api, "POST", kNodes,
        {
            {R"({"metadata":{"name":"UP"}})", 422},
            {R"({"metadata":{"name":"n"},"spec":{"podCIDR":"x"}})", 422},
            {R"({"metadata":{"name":"n"},"spec":{"podCIDRs":["x"]}})", 422},
            {R"({"metadata":{"name":"n"},"spec":{"podCIDRs":["10.0.0.0/24","10.1.0.0/24"]}})", 422},
            {R"({"metadata":{"name":"n"},"spec":{"taints":[{"key":"a"}]}})", 422},
            {R"({"metadata":{"name":"n"},"status":{"capacity":{"cpu":"-1"}}})", 422},
            {R"({"metadata":{"name":"n"},"status":{"allocatable":{"foo":"1"}}})", 201},
        }
    );
}

TEST_CASE("config map and secret: keys, sizes and what may change", "[api]") {
    TestApi api;
    check_codes(
        api, "POST", kConfigMaps,
        {
            {config_map("a", R"(,"data":{"a b":"c"})"), 422},
            {config_map("a", R"(,"data":{"..":"c"})"), 422},
            {config_map("a", R"(,"data":{"":"c"})"), 422},
            {config_map("a", R"(,"data":{"k":"x"},"binaryData":{"k":"eA=="})"), 422},
            {config_map("a", R"(,"data":{"k":"x"},"binaryData":{"l":"eA=="},"immutable":true)"), 201
            },
            {config_map("big", R"(,"data":{"k":")" + std::string((1 << 20) + 1, 'x') + "\"}"), 422},
        }
    );
    check_codes(
        api, "PATCH", kConfigMaps + "/a",
        {
            {R"({"data":{"k":"y"}})", 422},
            {R"({"binaryData":{"l":"eQ=="}})", 422},
            {R"({"immutable":false})", 422},
            {R"({"immutable":null,"data":null})", 422},
            {R"({"metadata":{"labels":{"a":"b"}}})", 200},
        }
    );
    check_codes(
        api, "POST", kSecrets,
        {
            {config_map("a", R"(,"stringData":{"k":"v"},"data":{"k":"eA==","l":"eA=="})"), 201},
            {config_map("a b"), 422},
            {config_map("b", R"(,"data":{"k":"!"})"), 400},
            {config_map("b", R"(,"data":{"a b":"eA=="})"), 422},
            {config_map("b", R"(,"type":"kubernetes.io/tls")"), 422},
            {config_map("c", R"(,"type":"kubernetes.io/basic-auth")"), 422},
            {config_map("c", R"(,"type":"kubernetes.io/ssh-auth")"), 422},
            {config_map("c", R"(,"type":"kubernetes.io/dockerconfigjson")"), 422},
            {config_map(
                 "c",
                 R"(,"type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"eA=="})"
             ),
             422},
            {config_map("c", R"(,"type":"kubernetes.io/service-account-token")"), 422},
            {config_map("c", R"(,"type":"example.com/own","immutable":true)"), 201},
        }
    );
    check_codes(
        api, "PATCH", kSecrets + "/a",
        {
            {R"({"type":"Foo"})", 422},
            {R"({"type":null})", 200},
            {R"({"stringData":{"m":"n"}})", 200},
            {R"({"immutable":true})", 200},
            {R"({"data":{"k":null}})", 422},
        }
    );
    CHECK(api.get(kSecrets + "?fieldSelector=type=Opaque").body.elements_at({"items"}).size() == 1);
    api.accept = kTable;
    CHECK(api.get(kSecrets).code == 200);
}

TEST_CASE("service account: it is answered when it goes", "[api]") {
    TestApi api;
    const Answer made = api.post(
        kAccounts,
        R"({"metadata":{"name":"a"},"secrets":[{"name":"s"}],"imagePullSecrets":[{"name":"p"}]})"
    );
    CHECK(made.code == 201);
    const Answer more = api.patch(
        kAccounts + "/a", "strategic-merge-patch",
        R"({"secrets":[{"name":"t"}],"imagePullSecrets":[{"name":"q"}]})"
    );
    CHECK(more.body.elements_at({"secrets"}).size() == 2);
    CHECK(more.body.elements_at({"imagePullSecrets"}).size() == 1);
    api.accept = kTable;
    CHECK(api.get(kAccounts).code == 200);
    api.accept = "application/json";
    const Answer gone = api.remove(kAccounts + "/a");
    CHECK(gone.text_at({"kind"}) == "ServiceAccount");
    CHECK(api.get(kAccounts + "/a").code == 404);
}

TEST_CASE("service account: tokens are for a pod, an audience and a time", "[api]") {
    TestApi api;
    api.post("/api/v1/namespaces/default/pods", pod("p"));
    const std::string path = kAccounts + "/default/token";
    const auto request = [](std::string_view spec) {
        return R"({"spec":{)" + std::string(spec) + "}}";
    };
    const auto for_pod = [&request](std::string_view name, std::string_view uid) {
        return request(
            R"("audiences":["b"],"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":")" +
            std::string(name) + R"(","uid":")" + std::string(uid) + R"("})"
        );
    };
    check_codes(
        api, "POST", path,
        {
            {request(R"("audiences":["a"],"expirationSeconds":600)"), 201},
            {request(R"("audiences":["b"],"expirationSeconds":599)"), 422},
            {request(R"("audiences":["b"],"expirationSeconds":4294967297)"), 422},
            {request(R"("expirationSeconds":"x")"), 400},
            {for_pod("p", "x"), 409},
            {for_pod("none", ""), 404},
            {request(R"("boundObjectRef":{"kind":"Foo","apiVersion":"v1","name":"n"})"), 400},
            {R"({"metadata":{"name":"other"}})", 422},
            {R"({"kind":"Pod","apiVersion":"v1"})", 400},
        }
    );
    const Answer token = api.post(path, request(R"("audiences":["b"])"));
    CHECK(token.code == 201);
    CHECK_FALSE(token.text_at({"status", "token"}).empty());
    CHECK(api.post(kAccounts + "/none/token", request(R"("audiences":["b"])")).code == 404);
    CHECK(api.get(path).code == 405);
}

TEST_CASE("lease: times to the microsecond, and numbers that make sense", "[api]") {
    TestApi api;
    const auto lease = [](std::string_view spec) {
        return R"({"metadata":{"name":"l"},"spec":{)" + std::string(spec) + "}}";
    };
    check_codes(
        api, "POST", kLeases,
        {
            {lease(R"("leaseDurationSeconds":0)"), 422},
            {lease(R"("leaseDurationSeconds":-5,"leaseTransitions":-1)"), 422},
            {lease(R"("renewTime":"yesterday")"), 400},
            {lease(R"("renewTime":"2026-01-01T00:00:00Z")"), 400},
            {lease(R"("renewTime":"2026-01-01T00:00:00.5Z")"), 400},
            {lease(
                 R"("holderIdentity":"a","leaseDurationSeconds":40,"leaseTransitions":0,)"
                 R"("acquireTime":"2026-01-01T00:00:00.000000Z","renewTime":"2026-01-01T00:00:00.123456Z")"
             ),
             201},
        }
    );
    const Answer made = api.get(kLeases + "/l");
    CHECK(made.text_at({"spec", "acquireTime"}) == "2026-01-01T00:00:00.000000Z");
    json::Value renewed = made.body;
    renewed["spec"]["renewTime"] = json::Value::of("2026-01-01T00:00:10.500000Z");
    CHECK(api.put(kLeases + "/l", renewed).code == 200);
    CHECK(api.put(kLeases + "/l", renewed).code == 409);
    check_codes(
        api, "PATCH", kLeases + "/l",
        {{R"({"spec":{"holderIdentity":null}})", 200}, {R"({"spec":{"holderIdentity":""}})", 200}}
    );
    api.accept = kTable;
    CHECK(api.get(kLeases).code == 200);
}

TEST_CASE("event: it is found by what it is about", "[api]") {
    TestApi api;
    const auto event = [](std::string_view name, std::string_view more) {
        return R"({"metadata":{"name":")" + std::string(name) + R"("},"involvedObject":)" +
               std::string(more) + "}";
    };
    const std::string about =
        R"({"kind":"Pod","namespace":"default","name":"p","uid":"1","apiVersion":"v1",)"
        R"("fieldPath":"spec.containers{c}"},"reason":"Started","message":"Started container c",)"
        R"("source":{"component":"kubelet","host":"n"},"firstTimestamp":"2026-01-01T00:00:00Z",)"
        R"("lastTimestamp":"2026-01-01T00:00:00Z","count":3,"type":"Normal")";
    check_codes(
        api, "POST", kEvents,
        {
            {event("a", about), 201},
            {event("b", R"({"kind":"Node","name":"n"})"), 201},
            {event("c", R"({"kind":"Pod","namespace":"other","name":"p"})"), 422},
            {event("d", R"({"kind":"Pod","namespace":"default"},"type":"Foo")"), 201},
            {event(
                 "e", R"({"kind":"Pod","namespace":"default"},"eventTime":)"
                      R"("2026-01-01T00:00:00.500000Z","reportingComponent":"x.y/z",)"
                      R"("reportingInstance":"i","action":"A","reason":"R","type":"Normal")"
             ),
             201},
            {event(
                 "f", R"({"kind":"Pod","namespace":"default"},"eventTime":)"
                      R"("2026-01-01T00:00:00.500000Z","reportingComponent":"x.y/z")"
             ),
             422},
        }
    );
    const auto found = [&api](const std::string& selector) {
        return names(api.get(kEvents + "?fieldSelector=" + selector));
    };
    CHECK(found("involvedObject.name=p,involvedObject.namespace=default") == "a ");
    CHECK(found("involvedObject.uid=1,involvedObject.kind=Pod") == "a ");
    CHECK(found("involvedObject.kind=Node") == "b ");
    CHECK(found("reason=Started,type!=Warning") == "a ");
    CHECK(found("source=kubelet") == "a ");
    CHECK(found("reportingComponent=x.y/z") == "e ");
    CHECK(api.get(kEvents + "?fieldSelector=involvedObject.foo=1").code == 400);
    check_codes(
        api, "PATCH", kEvents + "/a",
        {{R"({"count":4,"lastTimestamp":"2026-01-01T00:01:00Z"})", 200}}
    );
    api.accept = kTable;
    CHECK(api.get(kEvents).code == 200);
}

}  // namespace farhold::api_behaviour
