// SPDX-License-Identifier: Apache-2.0
#include "common/object/machine_choices.hpp"

#include "tests/support/catch.hpp"

using namespace farhold;
using namespace farhold::object;

TEST_CASE("machine_choices: labels of the machine's own and those of kubelets", "[object]") {
    for (const char* key :
         {"site", "example.com/site", "topology.kubernetes.io/zone",
          "topology.kubernetes.io/region", "node.kubernetes.io/instance-type",
          "kubelet.kubernetes.io/x", "vendor.node.kubernetes.io/x", "mykubernetes.io/x"}) {
        INFO(key);
        CHECK_FALSE(check_machine_label(key, "v"));
    }
}

TEST_CASE("machine_choices: labels that decide about a machine are not its own", "[object]") {
    for (const char* key :
         {"node-role.kubernetes.io/control-plane", "node-restriction.kubernetes.io/secret",
          "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os",
          "topology.k8s.io/zone", "k8s.io/x", "farhold.io/x", "x.farhold.io/x", "not a key", ""}) {
        INFO(key);
        CHECK(check_machine_label(key, "v"));
    }
    CHECK(check_machine_label("site", "not a value"));
}

TEST_CASE("machine_choices: taints as people write them", "[object]") {
    CHECK(parse_taint("a=b:NoExecute") == Taint{"a", "b", "NoExecute"});
    CHECK(parse_taint("example.com/a:NoSchedule") == Taint{"example.com/a", "", "NoSchedule"});
    CHECK(parse_taint("a=:PreferNoSchedule") == Taint{"a", "", "PreferNoSchedule"});
    for (const char* text :
         {"", "a", "a=b", "a=b:", "a=b:Never", ":NoExecute", "a b:NoExecute", "a=b c:NoExecute",
          "a=b:c:NoExecute"}) {
        INFO(text);
        const auto taint = parse_taint(text);
        REQUIRE_FALSE(taint.has_value());
        CHECK(taint.error().message().find(text) != std::string::npos);
    }
}
