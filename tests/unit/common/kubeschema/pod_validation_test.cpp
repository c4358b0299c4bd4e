// SPDX-License-Identifier: Apache-2.0
#include "schema_fixture.hpp"

using namespace farhold;
using namespace farhold::kubeschema;

namespace {

Texts errors_of(std::string_view spec) {
    return creation_errors("Pod", R"({"metadata":{"name":"p"},"spec":)" + std::string(spec) + "}");
}

// Errors of a pod with one container that has these members beside name and image.
Texts container_errors(std::string_view members) {
    return errors_of(
        R"({"volumes":[{"name":"v"}],"containers":[{"name":"c","image":"i",)" +
        std::string(members) + "}]}"
    );
}

}  // namespace

TEST_CASE("pod validation: containers, names and images are required", "[kubeschema]") {
    CHECK(errors_of("{}") == Texts{"spec.containers: Required value"});
    CHECK(
        errors_of(R"({"containers":[{},{"name":"c","image":" i"},{"name":"c","image":"i"}]})") ==
        Texts{
            "spec.containers[0].name: Required value", "spec.containers[0].image: Required value",
            "spec.containers[1].image: Invalid value: \" i\": must not have leading or trailing "
            "whitespace",
            "spec.containers[2].name: Duplicate value: \"c\""
        }
    );
    CHECK(errors_of(R"({"containers":[{"name":"A_b","image":"i"}]})")[0].starts_with(
        "spec.containers[0].name: Invalid value: \"A_b\": a lowercase RFC 1123 label must"
    ));
    CHECK(
        errors_of(R"({"initContainers":[{"name":"c","image":"i"}],)"
                  R"("containers":[{"name":"c","image":"i"}]})"
        ) == Texts{"spec.initContainers[0].name: Duplicate value: \"c\""}
    );
    CHECK(container_errors(R"("args":["x"])").empty());
}

TEST_CASE("pod validation: choices name what is supported", "[kubeschema]") {
    CHECK(
        errors_of(R"({"restartPolicy":"x","dnsPolicy":"y","containers":[{"name":"c","image":"i"}]})"
        ) ==
        Texts{
            "spec.restartPolicy: Unsupported value: \"x\": supported values: \"Always\", "
            "\"OnFailure\", \"Never\"",
            "spec.dnsPolicy: Unsupported value: \"y\": supported values: "
            "\"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\""
        }
    );
    CHECK(
        container_errors(R"("imagePullPolicy":"x")") ==
        Texts{"spec.containers[0].imagePullPolicy: Unsupported value: \"x\": supported values: "
              "\"Always\", \"IfNotPresent\", \"Never\""}
    );
}

TEST_CASE("pod validation: ports", "[kubeschema]") {
    CHECK(
        container_errors(
            R"("ports":[{},{"containerPort":70000},{"containerPort":1,"hostPort":-1},)"
            R"({"name":"a","containerPort":1},{"name":"a","containerPort":2,"protocol":"X"}])"
        ) ==
        Texts{
            "spec.containers[0].ports[0].containerPort: Required value",
            "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 "
            "and 65535, inclusive",
            "spec.containers[0].ports[2].hostPort: Invalid value: -1: must be between 1 and 65535, "
            "inclusive",
            "spec.containers[0].ports[4].name: Duplicate value: \"a\"",
            "spec.containers[0].ports[4].protocol: Unsupported value: \"X\": supported values: "
            "\"SCTP\", \"TCP\", \"UDP\"",
        }
    );
}

TEST_CASE("pod validation: mounts refer to volumes", "[kubeschema]") {
    CHECK(
        container_errors(
            R"("volumeMounts":[{"name":"v","mountPath":"/a"},{"name":"w","mountPath":"/a"},{}])"
        ) ==
        Texts{
            "spec.containers[0].volumeMounts[1].name: Not found: \"w\"",
            "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/a\": must be unique",
            "spec.containers[0].volumeMounts[2].name: Required value",
            "spec.containers[0].volumeMounts[2].mountPath: Required value"
        }
    );
    CHECK(
        container_errors(R"("volumeMounts":[{"name":"v","mountPath":"/a","subPath":"../b"}])") ==
        Texts{"spec.containers[0].volumeMounts.subPath: Invalid value: \"../b\": must not "
              "contain '..'"}
    );
}

TEST_CASE("pod validation: volumes have one source that is complete", "[kubeschema]") {
    const auto volume = [](std::string_view text) {
        return errors_of(
            R"({"containers":[{"name":"c","image":"i"}],"volumes":[)" + std::string(text) + "]}"
        );
    };
    CHECK(
        volume(R"({"name":"a","emptyDir":{},"hostPath":{"path":"/"}})") ==
        Texts{"spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"}
    );
    CHECK(
        volume(R"({"name":"a","secret":{}})") ==
        Texts{"spec.volumes[0].secret.secretName: Required value"}
    );
    CHECK(
        volume(R"({"name":"a","configMap":{}})") ==
        Texts{"spec.volumes[0].configMap.name: Required value"}
    );
    CHECK(
        volume(R"({"name":"a"},{"name":"a"},{})") ==
        Texts{
            "spec.volumes[1].name: Duplicate value: \"a\"", "spec.volumes[2].name: Required value"
        }
    );
    CHECK(volume(R"({"name":"a","hostPath":{"path":"/a/../b","type":"x"}})").size() == 2);
    CHECK(volume(R"({"name":"a","hostPath":{"path":"/a..b"}})").empty());
    CHECK(
        volume(R"({"name":"a","configMap":{"name":"c","items":[{"key":"k","path":"../x"},{}]}})")
            .size() == 3
    );
}

TEST_CASE("pod validation: environment", "[kubeschema]") {
    CHECK(
        container_errors(
            R"("env":[{},{"name":"a=b"},{"name":"A","value":"x","valueFrom":)"
            R"({"secretKeyRef":{"name":"s","key":"k"}}},{"name":"B","valueFrom":{}},)"
            R"({"name":"C","valueFrom":{"configMapKeyRef":{}}}],"envFrom":[{},{"secretRef":{}}])"
        ) ==
        Texts{
            "spec.containers[0].env[0].name: Required value",
            "spec.containers[0].env[1].name: Invalid value: \"a=b\": a valid environment variable "
            "name must consist only of printable ASCII characters other than '='",
            "spec.containers[0].env[2].valueFrom: Invalid value: \"\": may not be specified when "
            "`value` is not empty",
            "spec.containers[0].env[3].valueFrom: Invalid value: \"\": must specify one of: "
            "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            "spec.containers[0].env[4].valueFrom.configMapKeyRef.name: Required value",
            "spec.containers[0].env[4].valueFrom.configMapKeyRef.key: Required value",
            "spec.containers[0].envFrom: Invalid value: \"\": must specify one of: "
            "`configMapRef` or `secretRef`",
            "spec.containers[0].envFrom[1].secretRef.name: Required value",
        }
    );
}

TEST_CASE("pod validation: requests fit into limits", "[kubeschema]") {
    CHECK(
        container_errors(R"("resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1000m"}})") ==
        Texts{"spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or "
              "equal to cpu limit of 1"}
    );
    CHECK(
        container_errors(R"("resources":{"requests":{"cpu":"-1","gpu":"1","a.b/gpu":"1"}})") ==
        Texts{
            "spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater "
            "than or equal to 0",
            "spec.containers[0].resources.requests[gpu]: Invalid value: \"gpu\": must be a "
            "standard resource type or fully qualified",
            "spec.containers[0].resources.requests[gpu]: Invalid value: \"gpu\": must be a "
            "standard resource for containers"
        }
    );
}

TEST_CASE("pod validation: probes have one handler", "[kubeschema]") {
    CHECK(
        container_errors(R"("livenessProbe":{"successThreshold":2,"periodSeconds":-1})") ==
        Texts{
            "spec.containers[0].livenessProbe: Required value: must specify a handler type",
            "spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater "
            "than or equal to 0",
            "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"
        }
    );
    CHECK(
        container_errors(
            R"("readinessProbe":{"exec":{"command":["a"]},"tcpSocket":{"port":"http"}})"
        ) == Texts{"spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more "
                   "than 1 handler type"}
    );
}

TEST_CASE("pod validation: tolerations and the rest of the spec", "[kubeschema]") {
    const auto with = [](std::string_view members) {
        return errors_of(
            R"({"containers":[{"name":"c","image":"i"}],)" + std::string(members) + "}"
        );
    };
    CHECK(
        with(R"("tolerations":[{"key":"a","operator":"Exists","effect":"NoSchedule",)"
             R"("tolerationSeconds":1},{"value":"x"}])") ==
        Texts{
            "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be "
            "'NoExecute' when `tolerationSeconds` is set",
            "spec.tolerations[1].operator: Invalid value: \"Equal\": operator must be Exists when "
            "`key` is empty, which means \"match all values and all keys\""
        }
    );
    CHECK(
        with(R"("activeDeadlineSeconds":0)") ==
        Texts{"spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, "
              "inclusive"}
    );
    CHECK(with(R"("nodeSelector":{"a b":"c"},"nodeName":"A","hostname":"x.y")").size() == 3);
}
