// SPDX-License-Identifier: Apache-2.0
//
// Objects as the Go client of Kubernetes 1.36 encodes them, in both forms; the protobuf form is
// base64 with line breaks. Made by k8s.io/api's own Marshal.
#pragma once

#include <string_view>

namespace farhold::kubeproto {

struct EncodedObject {
    std::string_view protobuf;
    std::string_view json;
};

inline constexpr EncodedObject kEncodedObjects[] = {
    {R"(azhzAAoPCgJ2MRIJQ29uZmlnTWFwEjEKEQoBeBIAGgAiACoAMgA4AEIAEgYKAWESATESCQoFZW1wdHkSABoHCgFiEg
IA/yAAGgAiAA==)",
     R"json({"metadata":{"name":"x"},"immutable":false,"data":{"a":"1","empty":""},
"binaryData":{"b":"AP8="}})json"},
    {R"(azhzAAoMCgJ2MRIGU2VjcmV0Ei8KEQoBeBIAGgAiACoAMgA4AEIAEgUKAWUSABILCgFwEgZzZWNyZXQaBk9wYXF1ZR
oAIgA=)",
     R"json({"metadata":{"name":"x"},"data":{"e":"","p":"c2VjcmV0"},"type":"Opaque"})json"},
    {R"(azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhkKEQoBeBIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA==)",
     R"json({"metadata":{"name":"x"},"spec":{},"status":{}})json"},
    {R"(azhzAAoUCgJ2MRIOU2VydmljZUFjY291bnQSFQoRCgF4EgAaACIAKgAyADgAQgAgABoAIgA=)",
     R"json({"metadata":{"name":"x"},"automountServiceAccountToken":false})json"},
    {R"(azhzAAoTCgJ2MRINRGVsZXRlT3B0aW9ucxIUCAASBAoCdTEiCkJhY2tncm91bmQaACIA)",
     R"json({"gracePeriodSeconds":0,"preconditions":{"uid":"u1"},
"propagationPolicy":"Background"})json"},
    {R"(azhzAAoNCgJ2MRIHQmluZGluZxIpChEKAXgSABoAIgAqADIAOABCABIUCgROb2RlEgAaAm4xIgAqADIAOgAaACIA)",
     R"json({"metadata":{"name":"x"},"target":{"kind":"Node","name":"n1"}})json"},
    {R"(azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRInChEKAXgSABoAIgAqADIAOABCABISCgFuECgiCw
jlvN/KBhCAlO86GgAiAA==)",
     R"json({"metadata":{"name":"x"},"spec":{"holderIdentity":"n","leaseDurationSeconds":40,
"renewTime":"2026-01-02T15:04:05.123456Z"}})json"},
    {R"(azhzAAoLCgJ2MRIFRXZlbnQSSwoRCgF4EgAaACIAKgAyADgAQgASEgoDUG9kEgAaAXAiACoAMgA6ABoBUiIBbSoECg
ASADIICOW838oGEAA6AEADSgBSAGIAcgB6ABoAIgA=)",
     R"json({"metadata":{"name":"x"},"involvedObject":{"kind":"Pod","name":"p"},"reason":"R",
"message":"m","source":{},"firstTimestamp":"2026-01-02T15:04:05Z",
"lastTimestamp":null,"count":3,"eventTime":null,"reportingComponent":"",
"reportingInstance":""})json"},
    {R"(azhzAAoJCgJ2MRIDUG9kEv8CCkgKAXgSABoAIgAqADIAOABCAFoFCgFhEgBqEgoETm9kZRoBbiIBdSoCdjEwAYoBGQ
oBbRIAGgAyADoMCgp7ImY6YSI6e319QgAS8QEKCQoBZRIEEgIKAAoYCgFjEhOaARAKBAoCY20SCAoBaxIBcBgAEpsB
CgFjEgFpIgAiAXgqADIKCgAQABhQIgAqADoRCgFFEgAaCiIICgMKAXMSAWtCIAoNCgNjcHUSBgoENTAwbQoPCgZtZW
1vcnkSBQoDMUdpUh0KERIPCgASBwgAEJA/GgAaACIAEAAYACAAKAAwAFocChAaDgoKCAEQABoEaHR0cBIAEAAYACAA
KAAwAGoAcgCAAQCIAQCQAQGiAQAaACAAMgBCAEoAUgBYAGAAaAByAIIBAIoBAJoBALIBCwoBaxIAGgAiACgAwgEAGj
8KABoAIgAqADIAQioKAWMSGRoXCP///////////wEQABoAIgAqADIAOgAaACAAKAAyADoAQgBKAFoAcgCIAQAaACIA)",
     R"json({"metadata":{"name":"x","labels":{"a":""},"ownerReferences":[{"apiVersion":"v1",
"kind":"Node","name":"n","uid":"u","controller":true}],
"managedFields":[{"manager":"m","fieldsV1":{"f:a":{}}}]},
"spec":{"volumes":[{"name":"e","emptyDir":{}},{"name":"c","configMap":{"name":"cm",
"items":[{"key":"k","path":"p","mode":0}]}}],"containers":[{"name":"c","image":"i",
"args":["","x"],"ports":[{"containerPort":80}],"env":[{"name":"E",
"valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}],
"resources":{"limits":{"cpu":"500m","memory":"1Gi"}},
"livenessProbe":{"httpGet":{"port":8080}},
"readinessProbe":{"tcpSocket":{"port":"http"}},"tty":true}],
"terminationGracePeriodSeconds":0,"securityContext":{},"tolerations":[{"key":"k",
"tolerationSeconds":0}]},"status":{"containerStatuses":[{"name":"c",
"state":{"terminated":{"exitCode":-1,"startedAt":null,"finishedAt":null}},
"lastState":{},"ready":false,"restartCount":0,"image":"","imageID":""}]}})json"},
    {R"(azhzAAoKCgJ2MRIETm9kZRJrChEKAXgSABoAIgAqADIAOABCABIbCgASABoAIAAqEQoBaxIAGgpOb1NjaGVkdWxlGj
kKCgoDY3B1EgMKATQaADIFCgMIilA6GwoAEgAaACIAKgAyADoHdjEuMzYuMEIASgBSAEIFCgFhEAUaACIA)",
     R"json({"metadata":{"name":"x"},"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]},
"status":{"capacity":{"cpu":"4"},
"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":{"machineID":"",
"systemUUID":"","bootID":"","kernelVersion":"","osImage":"",
"containerRuntimeVersion":"","kubeletVersion":"v1.36.0","kubeProxyVersion":"",
"operatingSystem":"","architecture":""},"images":[{"names":["a"],"sizeBytes":5}]}})json"},
};

}  // namespace farhold::kubeproto
