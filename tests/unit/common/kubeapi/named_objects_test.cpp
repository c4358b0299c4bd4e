// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/named_objects.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

using namespace farhold;
using namespace farhold::kubeapi;

namespace {

ObjectPtr named(const std::string& name) {
    json::Value object = json::Value::make_object();
    object.ensure_path({"metadata"}).set("name", json::Value::of(name));
    return std::make_shared<const json::Value>(std::move(object));
}

}  // namespace

TEST_CASE("named objects: what a list lacks is told as removed, once", "[kubeapi]") {
    std::vector<std::string> told;
    NamedObjects objects(
        [&](const std::string& name, const ObjectPtr&) { told.push_back("+" + name); },
        [&](const std::string& name) { told.push_back("-" + name); }
    );
    objects.replaced({named("a"), named("b")});
    objects.changed(named("c"));
    objects.removed(named("b"));
    CHECK(told == std::vector<std::string>{"+a", "+b", "+c", "-b"});
    told.clear();
    objects.replaced({named("c")});
    CHECK(told == std::vector<std::string>{"+c", "-a"});
    told.clear();
    objects.replaced({named("c")});
    CHECK(told == std::vector<std::string>{"+c"});
}
