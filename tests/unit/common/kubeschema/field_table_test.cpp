// SPDX-License-Identifier: Apache-2.0
#include "common/kubeschema/field_table.hpp"

#include "tests/support/catch.hpp"

using namespace farhold::kubeschema;

TEST_CASE("field table: fields are found by name and by number", "[kubeschema]") {
    const MessageType* pod = FieldTable::built_in().find("Pod");
    REQUIRE(pod != nullptr);
    const Field* spec = pod->by_name("spec");
    REQUIRE(spec != nullptr);
    CHECK(spec->number == 2);
    CHECK(spec->message == FieldTable::built_in().find("PodSpec"));
    CHECK(pod->by_number(2) == spec);
    CHECK(pod->by_name("kind") != nullptr);
    CHECK(pod->by_number(0) == nullptr);
    CHECK(pod->by_name("specs") == nullptr);
    CHECK(FieldTable::built_in().find("Deployment") == nullptr);
}

TEST_CASE("field table: the fields of an inlined message stand in its parent", "[kubeschema]") {
    const MessageType* volume = FieldTable::built_in().find("Volume");
    REQUIRE(volume != nullptr);
    CHECK(volume->by_name("emptyDir") != nullptr);
    CHECK(volume->by_number(2)->shape == FieldShape::inlined);
}

TEST_CASE("field table: shapes and flags are read", "[kubeschema]") {
    const FieldTable table(
        "A@: 1 list []string~; 2 map {}quantity; 3 number int32!;\n"
        "    4 pointer int64*; 5 items []B~name\n"
        "B: 1 name string!; 2 raw raw\n"
    );
    const MessageType* a = table.find("A");
    REQUIRE(a != nullptr);
    CHECK(a->fields().size() == 7);
    CHECK(a->by_name("list")->shape == FieldShape::list);
    CHECK(a->by_name("list")->merge);
    CHECK(a->by_name("list")->merge_key.empty());
    CHECK(a->by_name("map")->shape == FieldShape::map);
    CHECK(a->by_name("map")->kind == FieldKind::quantity);
    CHECK_FALSE(a->by_name("number")->omits_zero());
    CHECK_FALSE(a->by_name("pointer")->omits_zero());
    CHECK(a->by_name("list")->omits_zero());
    const auto items = a->patch_field("items");
    CHECK(items.merge);
    CHECK(items.merge_key == "name");
    CHECK(items.schema == table.find("B"));
}

TEST_CASE("field table: the merge keys of strategic patches are Kubernetes'", "[kubeschema]") {
    const auto key = [](std::string_view type, std::string_view field) {
        const auto patch = FieldTable::built_in().find(type)->patch_field(field);
        return patch.merge ? std::string(patch.merge_key) : "atomic";
    };
    CHECK(key("PodSpec", "containers") == "name");
    CHECK(key("PodSpec", "volumes") == "name");
    CHECK(key("PodSpec", "tolerations") == "atomic");
    CHECK(key("PodSpec", "hostAliases") == "ip");
    CHECK(key("Container", "ports") == "containerPort");
    CHECK(key("Container", "volumeMounts") == "mountPath");
    CHECK(key("Container", "args") == "atomic");
    CHECK(key("PodStatus", "conditions") == "type");
    CHECK(key("PodStatus", "containerStatuses") == "atomic");
    CHECK(key("NodeSpec", "taints") == "atomic");
    CHECK(key("NodeStatus", "addresses") == "type");
    CHECK(key("ObjectMeta", "finalizers").empty());
    CHECK(key("ObjectMeta", "ownerReferences") == "uid");
    CHECK(key("ServiceAccount", "secrets") == "name");
    CHECK(key("ServiceAccount", "imagePullSecrets") == "atomic");
}
