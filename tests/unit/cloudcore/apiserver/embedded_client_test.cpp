// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/embedded_client.hpp"

#include "common/async/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/embedded_api.hpp"

#include <string>

namespace farhold::apiserver {

using kubeapi::kConfigMaps;

TEST_CASE("embedded client: writes, reads and maps refusals to error codes", "[apiserver]") {
    with_client([](EmbeddedClient& client) -> Task<> {
        const auto made = co_await client.create(kConfigMaps, "default", named("a"), "");
        REQUIRE(made);
        const auto again = co_await client.create(kConfigMaps, "default", named("a"), "");
        CHECK(again.error().code() == ErrorCode::already_exists);
        const auto got = co_await client.get(kConfigMaps, "default", "a");
        REQUIRE(got);
        CHECK(*got == *made);

        kubeapi::Patch patch{"", kubeapi::PatchType::merge, json::Value::make_object()};
        patch.body.ensure_path({"data", "k"}) = json::Value::of("v");
        const auto patched = co_await client.patch(kConfigMaps, "default", "a", patch);
        REQUIRE(patched);
        CHECK(patched->text_at({"data", "k"}) == "v");
        json::Value stale = *made;
        stale.ensure_path({"data", "k"}) = json::Value::of("w");
        const auto conflict = co_await client.update(kConfigMaps, "default", stale, "");
        CHECK(conflict.error().code() == ErrorCode::conflict);

        kubeapi::DeleteOptions other;
        other.uid = "another";
        const auto refused = co_await client.remove(kConfigMaps, "default", "a", other);
        CHECK(refused.error().code() == ErrorCode::conflict);
        CHECK(co_await client.remove(kConfigMaps, "default", "a", {}));
        const auto gone = co_await client.get(kConfigMaps, "default", "a");
        CHECK(gone.error().code() == ErrorCode::not_found);
        CHECK(gone.error().message() == "configmaps \"a\" not found");
    });
}

TEST_CASE("embedded client: a list is complete over many pages", "[apiserver]") {
    with_client([](EmbeddedClient& client) -> Task<> {
        for (int i = 0; i < 1100; ++i) {
            json::Value object = named("n" + std::to_string(i));
            const auto made = co_await client.create(kConfigMaps, "default", std::move(object), "");
            REQUIRE(made);
        }
        const auto listed = co_await client.list(kConfigMaps, {});
        REQUIRE(listed);
        CHECK(listed->items.size() == 1100);
        CHECK(listed->resource_version == "1102");
    });
}

TEST_CASE("embedded client: a watch delivers what others write", "[apiserver]") {
    with_client([](EmbeddedClient& client) -> Task<> {
        const auto listed = co_await client.list(kConfigMaps, {});
        REQUIRE(listed);
        const auto watch = co_await client.watch(kConfigMaps, {}, listed->resource_version);
        REQUIRE(watch);
        TaskGroup writers(co_await this_executor);
        const auto write = [](EmbeddedClient& writer) -> Task<> {
            CHECK(co_await writer.create(kConfigMaps, "default", named("a"), ""));
            CHECK(co_await writer.remove(kConfigMaps, "default", "a", {}));
        };
        writers.spawn(write(client));
        const auto added = co_await (*watch)->next();
        REQUIRE(added);
        CHECK(added->type == kubeapi::WatchEvent::Type::added);
        CHECK(added->object->text_at({"metadata", "name"}) == "a");
        const auto removed = co_await (*watch)->next();
        REQUIRE(removed);
        CHECK(removed->type == kubeapi::WatchEvent::Type::deleted);
        co_await writers.join();
    });
}

TEST_CASE(
    "embedded client: requests that wait together are answered each for itself", "[apiserver]"
) {
    with_client([](EmbeddedClient& client) -> Task<> {
        TaskGroup writers(co_await this_executor);
        int created = 0;
        int refused = 0;
        const auto write = [](EmbeddedClient& writer, int i, int& ok, int& no) -> Task<> {
            json::Value object = named("n" + std::to_string(i % 50));
            const auto made = co_await writer.create(kConfigMaps, "default", std::move(object), "");
            ++(made ? ok : no);
        };
        for (int i = 0; i < 100; ++i) {
            writers.spawn(write(client, i, created, refused));
        }
        co_await writers.join();
        CHECK(created == 50);
        CHECK(refused == 50);
    });
}

}  // namespace farhold::apiserver
