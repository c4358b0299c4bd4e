// SPDX-License-Identifier: Apache-2.0
#include "rule_use.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace farhold;
using namespace farhold::test;
using json::Value;
using Texts = std::vector<std::string>;

namespace {

const std::string kUser = "system:serviceaccount:farhold:cloudcore";

// As a real API server writes it, less what nobody here reads.
std::string event(
    const std::string& verb, const std::string& reference, const std::string& decision = "allow",
    const std::string& user = kUser
) {
    return R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",)"
           R"("stage":"ResponseComplete","requestURI":"/path","verb":")" +
           verb + R"(","user":{"username":")" + user + R"("},"objectRef":)" + reference +
           R"(,"annotations":{"authorization.k8s.io/decision":")" + decision + "\"}}\n";
}

const std::string kPod =
    R"({"resource":"pods","namespace":"default","name":"a","apiVersion":"v1"})";
const std::string kPodStatus =
    R"({"resource":"pods","namespace":"default","name":"a","apiVersion":"v1","subresource":"status"})";
const std::string kLease = R"({"resource":"leases","namespace":"kube-node-lease","name":"n",)"
                           R"("apiGroup":"coordination.k8s.io","apiVersion":"v1"})";

std::string map(const std::string& ns, const std::string& name) {
    return R"({"resource":"configmaps","namespace":")" + ns + R"(","name":")" + name + R"("})";
}

}  // namespace

TEST_CASE("rule_use: each verb, resource and name of a rule is one access", "[chart]") {
    const auto role =
        Value::parse(R"({"kind":"Role","metadata":{"name":"r","namespace":"n"},"rules":[
        {"apiGroups":["","g"],"resources":["a","b/c"],"verbs":["get"]},
        {"apiGroups":[""],"resources":["d"],"verbs":["update"],"resourceNames":["x","y"]}]})");
    Texts texts;
    for (const Access& one : accesses_of(role.value())) texts.push_back(one.text());
    CHECK(
        texts ==
        Texts{
            "get a in n", "get b/c in n", "get a.g in n", "get b/c.g in n", "update d x in n",
            "update d y in n"
        }
    );
}

TEST_CASE("rule_use: what was granted and asked for is neither denied nor unused", "[chart]") {
    const std::vector<Access> granted{
        {"get", "", "pods", "", ""},
        {"patch", "", "pods/status", "", ""},
        {"patch", "coordination.k8s.io", "leases", "kube-node-lease", ""},
        {"update", "", "configmaps", "kube-system", "hub"},
    };
    const auto use = compare_use(
        granted,
        event("get", kPod) + event("patch", kPodStatus) + event("patch", kLease) + "\n" +
            event("update", map("kube-system", "hub")),
        kUser
    );
    CHECK(use.value().denied.empty());
    CHECK(use.value().unused.empty());
    CHECK(use.value().requests == 4);
}

TEST_CASE("rule_use: a grant is unused when only something like it was asked for", "[chart]") {
    const std::vector<Access> granted{
        {"patch", "", "pods", "", ""},  {"get", "", "pods/status", "", ""},
        {"get", "", "leases", "", ""},  {"update", "", "configmaps", "kube-system", "hub"},
        {"create", "", "pods", "", ""},
    };
    const auto use = compare_use(
        granted,
        event("patch", kPodStatus) + event("get", kPod) + event("get", kLease) +
            event("update", map("kube-system", "other")) + event("update", map("default", "hub")) +
            event("create", kPod, "allow", "somebody"),
        kUser
    );
    CHECK(
        use.value().unused ==
        Texts{
            "patch pods", "get pods/status", "get leases", "update configmaps hub in kube-system",
            "create pods"
        }
    );
    CHECK(use.value().denied.empty());
}

TEST_CASE("rule_use: what is denied is told once, and uses nothing", "[chart]") {
    const std::vector<Access> granted{{"get", "", "pods", "", ""}};
    const auto use = compare_use(
        granted,
        event("get", kPod, "forbid") + event("get", kPod, "forbid") + event("get", "{}", "forbid") +
            event("delete", kPod, "forbid", "somebody"),
        kUser
    );
    CHECK(use.value().denied == Texts{"get /path", "get pods a in default"});
    CHECK(use.value().unused == Texts{"get pods"});
}

TEST_CASE("rule_use: a log that cannot be read is no log without denials", "[chart]") {
    CHECK_FALSE(compare_use({}, event("get", kPod) + "{\"cut", kUser));
}
