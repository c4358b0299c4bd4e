// SPDX-License-Identifier: Apache-2.0
#include "common/kubeapi/initial_list.hpp"

#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace farhold;
using namespace farhold::kubeapi;
using Type = WatchEvent::Type;

namespace {

WatchEvent event(Type type, const std::string& name, const std::string& uid = "u") {
    return {
        type,
        std::make_shared<const json::Value>(
            json::Value::parse(R"({"metadata":{"name":")" + name + R"(","uid":")" + uid + R"("}})")
                .value()
        )
    };
}

WatchEvent bookmark(const char* metadata) {
    return {
        Type::bookmark,
        std::make_shared<const json::Value>(
            json::Value::parse(std::string(R"({"metadata":)") + metadata + "}").value()
        )
    };
}

WatchEvent end() {
    return bookmark(R"({"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}})"
    );
}

std::vector<std::string> uids(const std::vector<ObjectPtr>& objects) {
    std::vector<std::string> all;
    for (const ObjectPtr& object : objects) all.emplace_back(object::uid(*object));
    return all;
}

}  // namespace

TEST_CASE("initial_list: is whole when the server says so", "[kubeapi]") {
    InitialList list({});
    CHECK_FALSE(list.take(event(Type::added, "a", "1")).value());
    CHECK_FALSE(list.take(event(Type::added, "b", "2")).value());
    CHECK_FALSE(list.take(event(Type::modified, "a", "3")).value());
    CHECK(list.take(end()).value());
    const auto whole = list.finish();
    CHECK(uids(whole.list.items) == std::vector<std::string>{"3", "2"});
    CHECK(whole.list.resource_version == "9");
    CHECK(whole.deleted.empty());
}

TEST_CASE("initial_list: is none when the server watches without having ended it", "[kubeapi]") {
    for (const char* metadata :
         {R"({"resourceVersion":"9"})", R"({"annotations":{"k8s.io/initial-events-end":"false"}})",
          "null"}) {
        InitialList list({});
        CHECK_FALSE(list.take(event(Type::added, "a")).value());
        const auto taken = list.take(bookmark(metadata));
        REQUIRE_FALSE(taken);
        CHECK(taken.error().code() == ErrorCode::unsupported);
    }
}

TEST_CASE("initial_list: what goes while it is told is told as gone after it", "[kubeapi]") {
    InitialList list({});
    CHECK(list.take(event(Type::added, "gone", "1")));
    CHECK(list.take(event(Type::deleted, "gone", "1")));
    CHECK(list.take(event(Type::added, "again", "2")));
    CHECK(list.take(event(Type::deleted, "again", "2")));
    CHECK(list.take(event(Type::added, "again", "3")));
    CHECK(list.take(event(Type::deleted, "never-told", "4")));
    CHECK(list.take(end()).value());
    const auto whole = list.finish();
    CHECK(uids(whole.list.items) == std::vector<std::string>{"1", "3"});
    REQUIRE(whole.deleted.size() == 1);
    CHECK(whole.deleted[0].type == Type::deleted);
    CHECK(object::name(*whole.deleted[0].object) == "gone");
}

TEST_CASE("initial_list: has in an object's place what on_read answers", "[kubeapi]") {
    std::vector<ObjectPtr> read;
    InitialList list([&read](ObjectPtr object) {
        read.push_back(std::move(object));
        return event(Type::added, "kept", "k").object;
    });
    CHECK(list.take(event(Type::added, "a", "1")));
    CHECK(list.take(event(Type::modified, "a", "2")));
    CHECK(list.take(event(Type::deleted, "a", "2")));
    CHECK(list.take(end()).value());
    CHECK(uids(read) == std::vector<std::string>{"1", "2"});
    CHECK(uids(list.finish().list.items) == std::vector<std::string>{"k"});
}
