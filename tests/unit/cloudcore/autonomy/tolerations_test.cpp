// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/autonomy/tolerations.hpp"

#include "common/object/patch.hpp"
#include "tests/support/catch.hpp"

#include <fmt/format.h>

#include <string>

using namespace farhold;
using namespace farhold::autonomy;

namespace {

const std::string kDefaults =
    R"({"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute",)"
    R"("tolerationSeconds":300},)"
    R"({"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute",)"
    R"("tolerationSeconds":300})";
const std::string kUnending =
    R"({"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute"},)"
    R"({"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute"})";
const std::string kUnendingOtherOrder =
    R"({"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute"},)"
    R"({"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute"})";

json::Value parse(const std::string& text) {
    return json::Value::parse(text).value();
}

json::Value pod(const std::string& tolerations, const std::string& metadata = "") {
    return parse(fmt::format(
        R"({{"metadata":{{"name":"p","uid":"u","resourceVersion":"7"{}}},)"
        R"("spec":{{"nodeName":"edge-1","tolerations":[{}]}}}})",
        metadata, tolerations
    ));
}

// The tolerations after the patch.
json::Value after(json::Value pod) {
    const auto patch = patch_to_stay(pod);
    REQUIRE(patch.has_value());
    REQUIRE(object::json_patch(pod, *patch).has_value());
    CHECK_FALSE(patch_to_stay(pod).has_value());
    return *pod.at_path({"spec", "tolerations"});
}

}  // namespace

TEST_CASE("tolerations: the seconds of the defaults go, all else stays", "[autonomy]") {
    const std::string own = R"({"key":"gpu","operator":"Exists","effect":"NoSchedule"},)";
    CHECK(after(pod(own + kDefaults)) == parse("[" + own + kUnending + "]"));
}

TEST_CASE("tolerations: an unending entry behind one that ends is never reached", "[autonomy]") {
    const json::Value list = after(pod(kDefaults + "," + kUnending));
    CHECK(list == parse("[" + kUnending + "," + kUnending + "]"));
}

TEST_CASE("tolerations: nothing is changed that stays by itself or may go", "[autonomy]") {
    const std::string everything = R"({"operator":"Exists"})";
    for (const std::string& list : {kUnending, everything, kUnending + "," + kDefaults}) {
        INFO(list);
        CHECK_FALSE(patch_to_stay(pod(list)).has_value());
    }
    const auto annotated = [](const char* value) {
        return pod(
            kDefaults,
            fmt::format(R"(,"annotations":{{"farhold.io/evict-when-unreachable":"{}"}})", value)
        );
    };
    CHECK_FALSE(patch_to_stay(annotated("true")).has_value());
    CHECK(patch_to_stay(annotated("false")).has_value());
    const json::Value deleted = pod(kDefaults, R"(,"deletionTimestamp":"2024-01-01T00:00:00Z")");
    CHECK_FALSE(patch_to_stay(deleted).has_value());
    for (const char* phase : {"Succeeded", "Failed"}) {
        json::Value finished = pod(kDefaults);
        finished.ensure_path({"status"}).set("phase", json::Value::of(phase));
        CHECK_FALSE(patch_to_stay(finished).has_value());
    }
}

TEST_CASE("tolerations: one for all taints keeps its end for the others", "[autonomy]") {
    const std::string wide = R"({"operator":"Exists","effect":"NoExecute","tolerationSeconds":60})";
    CHECK(after(pod(wide)) == parse("[" + kUnendingOtherOrder + "," + wide + "]"));
    // It stands before the entries of the taints themselves.
    const json::Value list = after(pod(wide + "," + kDefaults));
    CHECK(list == parse("[" + kUnendingOtherOrder + "," + wide + "," + kDefaults + "]"));
}

TEST_CASE("tolerations: a list that lacks a taint, or is none, gets it", "[autonomy]") {
    const std::string other_value =
        R"({"key":"node.kubernetes.io/not-ready","value":"x","effect":"NoExecute"})";
    CHECK(after(pod(other_value)) == parse("[" + kUnendingOtherOrder + "," + other_value + "]"));
    json::Value bare = pod("");
    CHECK(after(bare) == parse("[" + kUnendingOtherOrder + "]"));
    bare["spec"].erase("tolerations");
    CHECK(after(bare) == parse("[" + kUnendingOtherOrder + "]"));
}

TEST_CASE("tolerations: the patch fits no other pod and no other list", "[autonomy]") {
    const json::Value seen = pod(kDefaults);
    const json::Value patch = patch_to_stay(seen).value();
    json::Value other_pod = seen;
    other_pod["metadata"].set("uid", json::Value::of("v"));
    json::Value other_list = seen;
    other_list["spec"].set("tolerations", parse("[" + kUnendingOtherOrder + "]"));
    json::Value newer = seen;  // Its status, say.
    newer["metadata"].set("resourceVersion", json::Value::of("8"));
    CHECK_FALSE(object::json_patch(other_pod, patch).has_value());
    CHECK_FALSE(object::json_patch(other_list, patch).has_value());
    CHECK(object::json_patch(newer, patch).has_value());
    json::Value bare = pod("");
    const json::Value for_bare = patch_to_stay(bare).value();
    bare["metadata"].set("resourceVersion", json::Value::of("8"));
    CHECK_FALSE(object::json_patch(bare, for_bare).has_value());
}
