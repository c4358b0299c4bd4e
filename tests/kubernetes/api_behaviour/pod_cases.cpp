// SPDX-License-Identifier: Apache-2.0
//
// What a pod is made of, what it may not be, and what happens to it.
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

const std::string kPod = kPods + "/a";

std::string pod_of(std::string_view spec) {
    return R"({"metadata":{"name":"a"},"spec":{)" + std::string(spec) + "}}";
}

std::string container_with(std::string_view more) {
    return pod_of(R"("containers":[{"name":"c","image":"i:1",)" + std::string(more) + "}]");
}

std::string volume_with(std::string_view source) {
    return pod_of(
        R"("containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/v"}]}],)"
        R"("volumes":[{"name":"v",)" +
        std::string(source) + "}]"
    );
}

}  // namespace

TEST_CASE("pod: everything that was left out is filled in", "[api]") {
    TestApi api;
    const std::string bodies[] = {
        pod("a"),
        pod_of(R"("containers":[{"name":"c","image":"i"}],"restartPolicy":"Never")"),
        pod_of(R"("containers":[{"name":"c","image":"i:latest"}],"hostNetwork":true)"),
        container_with(R"("ports":[{"containerPort":80},{"containerPort":53,"protocol":"UDP"}])"),
        container_with(R"("resources":{"limits":{"cpu":"1000m","memory":"1024Mi"}})"),
        container_with(
            R"("resources":{"limits":{"cpu":"0.5","memory":"1e3"},"requests":{"cpu":0.1}})"
        ),
        container_with(R"("livenessProbe":{"httpGet":{"port":80}})"),
        container_with(R"("readinessProbe":{"exec":{"command":["x"]}},)"
                       R"("startupProbe":{"tcpSocket":{"port":"web"}})"),
        container_with(R"("livenessProbe":{"grpc":{"port":80}})"),
        container_with(R"("lifecycle":{"preStop":{"httpGet":{"port":80}}})"),
        container_with(R"("env":[{"name":"A"},{"name":"B","valueFrom":{"fieldRef":)"
                       R"({"fieldPath":"metadata.name"}}},{"name":"C","valueFrom":)"
                       R"({"resourceFieldRef":{"resource":"limits.cpu"}}}])"),
        container_with(R"("securityContext":{"privileged":true})"),
        pod_of(R"("initContainers":[{"name":"i","image":"i:1"}],)"
               R"("containers":[{"name":"c","image":"i:1"}])"),
        pod_of(R"("initContainers":[{"name":"i","image":"i:1","restartPolicy":"Always"}],)"
               R"("containers":[{"name":"c","image":"i:1"}])"),
        pod("a", R"(,"tolerations":[{"operator":"Exists"}])"),
        pod("a", R"(,"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists"}])"),
        pod("a", R"(,"securityContext":{"runAsUser":1,"fsGroup":2},"hostPID":true)"),
        pod("a", R"(,"nodeSelector":{"a":"b"},"priority":null)"),
        pod("a", R"(,"nodeName":"n","terminationGracePeriodSeconds":0)"),
        pod("a", R"(,"nodeName":"n","terminationGracePeriodSeconds":-1)"),
        pod("a", R"(,"serviceAccountName":"default","automountServiceAccountToken":false)"),
        pod("a", R"(,"dnsPolicy":"None","dnsConfig":{"nameservers":["10.0.0.1"]})"),
        volume_with(R"("emptyDir":{})"),
        volume_with(R"("emptyDir":{"sizeLimit":"1024Mi","medium":"Memory"})"),
        volume_with(R"("hostPath":{"path":"/x"})"),
        volume_with(R"("configMap":{"name":"x"})"),
        volume_with(R"("secret":{"secretName":"x","items":[{"key":"k","path":"p"}]})"),
        volume_with(
            R"("downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.uid"}}]})"
        ),
        volume_with(R"("projected":{"sources":[{"serviceAccountToken":{"path":"t"}},)"
                    R"({"configMap":{"name":"x"}}]})"),
    };
    for (const std::string& body : bodies) {
        INFO(body);
        CHECK(api.post(kPods + "?dryRun=All", body).code == 201);
        CHECK(api.post(kPods, body).code == 201);
        CHECK(api.get(kPod).code == 200);
        CHECK(api.remove(kPod, R"({"gracePeriodSeconds":0})").code == 200);
    }
}

TEST_CASE("pod: what it cannot be is refused in Kubernetes' words", "[api]") {
    TestApi api;
    const std::string bodies[] = {
        R"({"metadata":{"name":"a"}})",
        pod_of(R"("containers":[])"),
        pod_of(R"("containers":[{"name":"c"}])"),
        pod_of(R"("containers":[{"image":"i"}])"),
        pod_of(R"("containers":[{"name":"C","image":"i"}])"),
        pod_of(R"("containers":[{"name":"c","image":" i"}])"),
        pod_of(R"("containers":[{"name":"c","image":"i"},{"name":"c","image":"i"}])"),
        pod("a", R"(,"restartPolicy":"Foo")"),
        pod("a", R"(,"dnsPolicy":"Foo")"),
        pod("a", R"(,"dnsPolicy":"None")"),
        pod("a", R"(,"activeDeadlineSeconds":0)"),
        pod("a", R"(,"nodeName":"A b")"),
        pod("a", R"(,"hostname":"A.b")"),
        pod("a", R"(,"nodeSelector":{"a b":"c"})"),
        pod("a", R"(,"tolerations":[{"key":"a b","operator":"Exists"}])"),
        pod("a", R"(,"tolerations":[{"key":"a","operator":"Foo"}])"),
        pod("a", R"(,"tolerations":[{"operator":"Equal","value":"x"}])"),
        pod("a", R"(,"tolerations":[{"key":"a","operator":"Exists","value":"x"}])"),
        pod("a", R"(,"tolerations":[{"key":"a","tolerationSeconds":5,"effect":"NoSchedule"}])"),
        pod("a", R"(,"tolerations":[{"key":"a","effect":"Foo"}])"),
        pod("a", R"(,"securityContext":{"runAsUser":-1})"),
        pod("a", R"(,"securityContext":{"runAsUser":9007199254740993})"),
        container_with(R"("imagePullPolicy":"Foo")"),
        container_with(R"("ports":[{"containerPort":0}])"),
        container_with(R"("ports":[{"containerPort":70000}])"),
        container_with(R"("ports":[{"containerPort":80,"protocol":"FOO"}])"),
        container_with(R"("ports":[{"containerPort":80,"name":"u_"}])"),
        container_with(
            R"("ports":[{"containerPort":80,"hostPort":80},{"containerPort":81,"hostPort":80}])"
        ),
        container_with(
            R"("ports":[{"containerPort":80,"name":"a"},{"containerPort":81,"name":"a"}])"
        ),
        container_with(R"("env":[{"name":""}])"),
        container_with(R"("env":[{"name":"A=B"}])"),
        container_with(
            R"("env":[{"name":"A","value":"x","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}])"
        ),
        container_with(R"("env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"spec.foo"}}}])"),
        container_with(R"("env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"x"}}}])"),
        container_with(R"("env":[{"name":"A","valueFrom":{}}])"),
        container_with(R"("envFrom":[{}])"),
        container_with(R"("resources":{"limits":{"cpu":"1"},"requests":{"cpu":"2"}})"),
        container_with(R"("resources":{"limits":{"cpu":"-1"}})"),
        container_with(R"("resources":{"limits":{"foo":"1"}})"),
        container_with(R"("resources":{"limits":{"cpu":"x"}})"),
        container_with(R"("volumeMounts":[{"name":"none","mountPath":"/x"}])"),
        container_with(R"("livenessProbe":{})"),
        container_with(R"("livenessProbe":{"httpGet":{"port":0}})"),
        container_with(R"("livenessProbe":{"httpGet":{"port":80},"periodSeconds":-1})"),
        container_with(R"("livenessProbe":{"httpGet":{"port":80},"successThreshold":2})"),
        container_with(R"("livenessProbe":{"httpGet":{"port":80},"tcpSocket":{"port":80}})"),
        container_with(R"("livenessProbe":{"exec":{}})"),
        container_with(R"("lifecycle":{"preStop":{}})"),
        container_with(R"("terminationMessagePolicy":"Foo")"),
        container_with(R"("restartPolicy":"Foo")"),
        container_with(R"("securityContext":{"privileged":true,"allowPrivilegeEscalation":false})"),
        volume_with(R"("emptyDir":{},"hostPath":{"path":"/x"})"),
        volume_with(R"("hostPath":{"path":""})"),
        volume_with(R"("hostPath":{"path":"/a/../b"})"),
        volume_with(R"("hostPath":{"path":"/x","type":"Foo"})"),
        volume_with(R"("emptyDir":{"sizeLimit":"-1"})"),
        volume_with(R"("configMap":{})"),
        volume_with(R"("configMap":{"name":"x","items":[{"key":"k","path":"../p"}]})"),
        volume_with(R"("configMap":{"name":"x","defaultMode":9999})"),
        volume_with(R"("secret":{})"),
        volume_with(
            R"("projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":5}}]})"
        ),
        volume_with(R"("downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"spec.foo"}}]})"
        ),
        pod_of(R"("containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v"},{"name":"v"}])"),
        pod_of(
            R"("containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/v"},)"
            R"({"name":"v","mountPath":"/v"}]}],"volumes":[{"name":"v"}])"
        ),
        pod_of(
            R"("containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/v",)"
            R"("subPath":"../x"}]}],"volumes":[{"name":"v"}])"
        ),
        pod_of(
            R"("initContainers":[{"name":"c","image":"i"}],"containers":[{"name":"c","image":"i"}])"
        ),
        pod_of(
            R"("initContainers":[{"name":"i","image":"i","livenessProbe":{"tcpSocket":{"port":1}}}],)"
            R"("containers":[{"name":"c","image":"i"}])"
        ),
        pod_of(
            R"("containers":[{"name":"c","image":"i"}],"ephemeralContainers":[{"name":"e","image":"i"}])"
        ),
        pod_of(R"("containers":"x")"),
        pod_of(R"("containers":[{"name":"c","image":"i"}],"hostNetwork":"yes")"),
        pod_of(R"("containers":[{"name":"c","image":"i"}],"terminationGracePeriodSeconds":"1")"),
        pod_of(R"("containers":[{"name":"c","image":"i"}],"terminationGracePeriodSeconds":1.5)"),
    };
    for (const std::string& body : bodies) {
        INFO(body);
        const Answer answer = api.post(kPods, body);
        CHECK(answer.code >= 400);
        CHECK(answer.code <= 422);
        api.remove(kPod, R"({"gracePeriodSeconds":0})");
    }
    CHECK(api.get(kPods).body.elements_at({"items"}).empty());
}

TEST_CASE("pod: its spec changes in few places", "[api]") {
    TestApi api;
    api.post(kPods, pod("a", R"(,"tolerations":[{"key":"k","operator":"Exists"}])"));
    struct Case {
        std::string patch;
        int code;
    };
    const Case cases[] = {
        {R"({"spec":{"activeDeadlineSeconds":90}})", 200},
        {R"({"spec":{"activeDeadlineSeconds":100}})", 422},
        {R"({"spec":{"activeDeadlineSeconds":50}})", 200},
        {R"({"spec":{"activeDeadlineSeconds":null}})", 422},
        {R"({"spec":{"terminationGracePeriodSeconds":5}})", 422},
        {R"({"spec":{"nodeName":"n"}})", 422},
        {R"({"spec":{"priority":5}})", 422},
        {R"({"spec":{"serviceAccountName":"x"}})", 422},
        {R"({"spec":{"tolerations":[]}})", 422},
        {R"({"spec":{"containers":[{"name":"c","image":"i:2"}]}})", 200},
        {R"({"spec":{"containers":[{"name":"c","image":""}]}})", 422},
        {R"({"spec":{"containers":[{"name":"d","image":"i:2"}]}})", 422},
        {R"({"spec":{"containers":[]}})", 422},
        {R"({"spec":{"restartPolicy":"Never"}})", 422},
        {R"({"spec":null})", 422},
        {R"({"status":null})", 200},
    };
    for (const Case& tried : cases) {
        INFO(tried.patch);
        CHECK(api.patch(kPod, "merge-patch", tried.patch).code == tried.code);
    }
    const Answer before = api.get(kPod);
    json::Value tolerating = before.body;
    tolerating["spec"]["tolerations"].push_back(
        json::Value::parse(R"({"key":"new","operator":"Exists","effect":"NoExecute"})").value()
    );
    const Answer after = api.put(kPod, tolerating);
    CHECK(after.code == 200);
    CHECK(
        after.body.integer_at({"metadata", "generation"}) ==
        before.body.integer_at({"metadata", "generation"}) + 1
    );
}

TEST_CASE("pod: a kubelet writes its status by patches and whole", "[api]") {
    TestApi api;
    api.post(kPods, pod("a", R"(,"nodeName":"n")"));
    const std::string path = kPod + "/status";
    const Answer running = api.patch(
        path, "strategic-merge-patch",
        R"({"metadata":{"uid":")" + api.get(kPod).uid() +
            R"("},"status":{"phase":"Running","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}],)"
            R"("hostIP":"10.0.0.9","startTime":"2026-01-01T00:00:00Z","qosClass":"BestEffort",)"
            R"("conditions":[{"type":"Ready","status":"True",)"
            R"("lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"Initialized","status":"True"}],)"
            R"("containerStatuses":[{"name":"c","ready":true,"started":true,"restartCount":3,)"
            R"("image":"i:1","imageID":"x","containerID":"containerd://1",)"
            R"("state":{"running":{"startedAt":"2026-01-01T00:00:00Z"}}}]}})"
    );
    CHECK(running.code == 200);
    const Answer ready = api.patch(
        path, "strategic-merge-patch",
        R"({"status":{"$setElementOrder/conditions":[{"type":"Ready"},{"type":"Initialized"}],)"
        R"("conditions":[{"type":"Ready","status":"False","reason":"X"}]}})"
    );
    CHECK(ready.body.elements_at({"status", "conditions"}).size() == 2);
    json::Value whole = ready.body;
    whole["status"]["phase"] = json::Value::of("Failed");
    whole["status"]["reason"] = json::Value::of("Gone");
    whole["spec"]["nodeName"] = json::Value::of("m");
    const Answer failed = api.put(path, whole);
    CHECK(failed.code == 200);
    CHECK(failed.text_at({"status", "phase"}) == "Failed");
    CHECK(failed.text_at({"spec", "nodeName"}) == "n");
    CHECK(api.get(path).body == failed.body);
    CHECK(api.patch(path, "merge-patch", R"({"status":{"phase":"Foo"}})").code == 200);
    CHECK(api.patch(path, "merge-patch", R"({"status":{"containerStatuses":[]}})").code == 200);
    CHECK(api.patch(path, "merge-patch", R"({"status":{"qosClass":"Burstable"}})").code == 422);
    CHECK(api.patch(path, "merge-patch", R"({"status":{"podIP":"x"}})").code == 422);
    CHECK(api.patch(path, "merge-patch", R"({"status":{"conditions":"x"}})").code == 422);
    CHECK(api.patch(kPods + "/none/status", "merge-patch", "{}").code == 404);
    CHECK(api.remove(path).code == 405);
}

TEST_CASE("pod: a binding says where it goes, and what cannot be is refused", "[api]") {
    TestApi api;
    api.post(kPods, pod("a"));
    const std::string path = kPod + "/binding";
    const auto binding = [](std::string_view name, std::string_view target) {
        return R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":")" + std::string(name) +
               R"("},"target":{)" + std::string(target) + "}}";
    };
    CHECK(api.post(path, binding("b", R"("kind":"Node","name":"n")")).code == 400);
    CHECK(api.post(path, binding("a", R"("kind":"Pod","name":"n")")).code == 500);
    CHECK(api.post(path, binding("a", R"("kind":"Node")")).code == 500);
    CHECK(api.post(path, binding("a", R"("name":"n")") + "x").code == 400);
    CHECK(api.post(path, R"({"metadata":{"name":"a"}})").code == 500);
    CHECK(
        api.post(kPods + "/none/binding", binding("none", R"("kind":"Node","name":"n")")).code ==
        404
    );
    CHECK(api.post(path + "?dryRun=All", binding("a", R"("kind":"Node","name":"n")")).code == 201);
    CHECK(api.get(kPod).text_at({"spec", "nodeName"}).empty());
    json::Value labelled = json::Value::parse(binding("a", R"("kind":"Node","name":"n")")).value();
    labelled["metadata"]["uid"] = json::Value::of(api.get(kPod).uid());
    labelled["metadata"]["annotations"]["x"] = json::Value::of("y");
    labelled["metadata"]["labels"]["topology.kubernetes.io/zone"] = json::Value::of("z");
    CHECK(api.post(path, labelled.dump()).code == 201);
    CHECK(api.get(kPod).code == 200);
    CHECK(api.get(path).code == 405);
    api.remove(kPod);
    CHECK(api.post(path, labelled.dump()).code == 409);
}

TEST_CASE("pod: an eviction deletes it", "[api]") {
    TestApi api;
    const std::string path = kPod + "/eviction";
    const auto eviction = [](std::string_view version, std::string_view name,
                             std::string_view more = {}) {
        return R"({"apiVersion":"policy/)" + std::string(version) +
               R"(","kind":"Eviction","metadata":{"name":")" + std::string(name) + R"("})" +
               std::string(more) + "}";
    };
    api.post(kPods, pod("a", R"(,"nodeName":"n")"));
    CHECK(api.post(path, eviction("v1", "b")).code == 400);
    CHECK(
        api.post(path, eviction("v1", "a", R"(,"deleteOptions":{"dryRun":["All"]})")).code == 201
    );
    const Answer before = api.get(kPod);
    CHECK(
        api.post(path, eviction("v1", "a", R"(,"deleteOptions":{"preconditions":{"uid":"x"}})"))
            .code == 409
    );
    CHECK(
        api.post(path, eviction("v1", "a", R"(,"deleteOptions":{"gracePeriodSeconds":"x"})"))
            .code == 400
    );
    CHECK(before.text_at({"metadata", "deletionTimestamp"}).empty());
    const Answer evicted = api.post(path, eviction("v1", "a"));
    CHECK(evicted.code == 201);
    CHECK(evicted.text_at({"status"}) == "Success");
    CHECK(api.get(kPod).body.integer_at({"metadata", "deletionGracePeriodSeconds"}) == 30);
    CHECK(api.post(path, eviction("v1", "a")).code == 201);
    CHECK(
        api.post(path, eviction("v1", "a", R"(,"deleteOptions":{"gracePeriodSeconds":0})")).code ==
        201
    );
    CHECK(api.get(kPod).code == 404);
    CHECK(api.post(path, eviction("v1", "a")).code == 404);
    api.post(kPods, pod("a"));
    CHECK(api.post(path, eviction("v1beta1", "a")).code == 201);
    CHECK(api.get(kPod).code == 404);
    CHECK(api.get(path).code == 405);
}

TEST_CASE("pod: tables show what it does", "[api]") {
    TestApi api;
    api.post(kPods, pod("a", R"(,"nodeName":"n")"));
    const char* statuses[] = {
        R"({"phase":"Pending"})",
        R"({"phase":"Pending","containerStatuses":[{"name":"c","ready":false,"restartCount":0,)"
        R"("image":"i","imageID":"","state":{"waiting":{"reason":"ContainerCreating"}}}]})",
        R"({"phase":"Running","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}],"containerStatuses":)"
        R"([{"name":"c","ready":true,"restartCount":2,"image":"i","imageID":"",)"
        R"("state":{"running":{}},"lastState":{"terminated":{"exitCode":1,)"
        R"("finishedAt":"2020-01-01T00:00:00Z"}}}]})",
        R"({"phase":"Running","containerStatuses":[{"name":"c","ready":false,"restartCount":5,)"
        R"("image":"i","imageID":"","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})",
        R"({"phase":"Failed","containerStatuses":[{"name":"c","ready":false,"restartCount":0,)"
        R"("image":"i","imageID":"","state":{"terminated":{"exitCode":3}}}]})",
        R"({"phase":"Failed","reason":"Evicted"})",
        R"({"phase":"Succeeded","containerStatuses":[{"name":"c","ready":false,"restartCount":0,)"
        R"("image":"i","imageID":"","state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]})",
    };
    const std::string table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    for (const char* status : statuses) {
        INFO(status);
        api.accept = "application/json";
        json::Value whole = api.get(kPod).body;
        whole["status"] = json::Value::parse(status).value();
        CHECK(api.put(kPod + "/status", whole).code == 200);
        api.accept = table;
        CHECK(api.get(kPods).body.elements_at({"rows"}).size() == 1);
    }
    CHECK(api.remove(kPod).code == 200);
}

}  // namespace farhold::api_behaviour
