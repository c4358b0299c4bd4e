// SPDX-License-Identifier: Apache-2.0
#include "common/kubestore/store.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

namespace farhold::kubestore {
namespace {

Store::Encode text(std::string body) {
    return [body = std::move(body)](Revision revision) {
        return body + "@" + std::to_string(revision);
    };
}

Record put(Store& store, const std::string& key, const std::string& body) {
    const std::optional<Record> previous = store.get(key).value();
    Record record = store.put(key, previous ? &*previous : nullptr, text(body)).value();
    REQUIRE(store.commit());
    return record;
}

Record remove(Store& store, const std::string& key) {
    const Record previous = store.get(key).value().value();
    Record record = store.remove(previous, text("gone")).value();
    REQUIRE(store.commit());
    return record;
}

std::string listed(Store& store, const ListQuery& query) {
    std::string text;
    for (const Record& record : store.list(query).value().records) {
        text += record.key + "=" + *record.body + " ";
    }
    return text;
}

}  // namespace

TEST_CASE("kubestore: each write has a revision of its own, which its body knows", "[kubestore]") {
    const auto store = Store::open(":memory:").value();
    CHECK(store->revision() == 1);
    CHECK(put(*store, "pods/a", "one").revision == 2);
    const Record second = put(*store, "pods/b", "two");
    CHECK(second.revision == 3);
    CHECK(*second.body == "two@3");
    CHECK(*store->get("pods/a").value()->body == "one@2");
    CHECK(remove(*store, "pods/a").revision == 4);
    CHECK_FALSE(store->get("pods/a").value());
    CHECK(store->revision() == 4);
}

TEST_CASE("kubestore: a decision made on an old record is a conflict", "[kubestore]") {
    const auto store = Store::open(":memory:").value();
    const Record old = put(*store, "pods/a", "one");
    put(*store, "pods/a", "two");
    CHECK(store->put("pods/a", &old, text("x")).error().code() == ErrorCode::conflict);
    CHECK(store->remove(old, text("x")).error().code() == ErrorCode::conflict);
    CHECK(store->put("pods/a", nullptr, text("x")).error().code() == ErrorCode::conflict);
    REQUIRE(store->commit());
    CHECK(store->revision() == 3);
}

TEST_CASE("kubestore: lists in the order of keys, in pages and at a revision", "[kubestore]") {
    const auto store = Store::open(":memory:").value();
    put(*store, "pods/n-x/a", "1");
    put(*store, "pods/n/b", "2");
    put(*store, "pods/n/a", "3");
    put(*store, "podsx/n/a", "other");
    put(*store, "pods/n/b", "4");
    remove(*store, "pods/n/a");
    put(*store, "pods/n/c", "5");

    CHECK(listed(*store, {.prefix = "pods/"}) == "pods/n-x/a=1@2 pods/n/b=4@6 pods/n/c=5@8 ");
    CHECK(listed(*store, {.prefix = "pods/n/"}) == "pods/n/b=4@6 pods/n/c=5@8 ");
    CHECK(
        listed(*store, {.prefix = "pods/", .at_revision = 5}) ==
        "pods/n-x/a=1@2 pods/n/a=3@4 pods/n/b=2@3 "
    );
    const ListPage page = store->list({.prefix = "pods/", .limit = 2}).value();
    CHECK(page.records.size() == 2);
    CHECK(page.more);
    CHECK(listed(*store, {.prefix = "pods/", .start = "pods/n/c"}) == "pods/n/c=5@8 ");
    CHECK_FALSE(store->list({.prefix = "pods/", .limit = 3}).value().more);
    CHECK(store->count("pods/", "").value() == 3);
    CHECK(store->count("pods/", "pods/n/b").value() == 2);
}

TEST_CASE("kubestore: events carry both bodies and appear with the commit", "[kubestore]") {
    const auto store = Store::open(":memory:").value();
    REQUIRE(store->put("pods/a", nullptr, text("one")));
    CHECK(store->events_after(1, "", 10).value().events.empty());
    REQUIRE(store->commit());
    put(*store, "pods/a", "two");
    remove(*store, "pods/a");

    const EventBatch batch = store->events_after(1, "pods/", 10).value();
    REQUIRE(batch.events.size() == 3);
    CHECK(batch.events[0]->previous == nullptr);
    CHECK(*batch.events[1]->previous == "one@2");
    CHECK(batch.events[2]->removed);
    CHECK(*batch.events[2]->body == "gone@4");
    CHECK(*batch.events[2]->previous == "two@3");
}

TEST_CASE("kubestore: a rolled back write leaves nothing, not even its revision", "[kubestore]") {
    const auto store = Store::open(":memory:").value();
    REQUIRE(store->put("pods/a", nullptr, text("one")));
    CHECK(store->revision() == 2);
    store->rollback();
    CHECK(store->revision() == 1);
    CHECK_FALSE(store->get("pods/a").value());
    CHECK(put(*store, "pods/b", "two").revision == 2);
}

TEST_CASE("kubestore: everything is there after a restart, the watch history too", "[kubestore]") {
    const test::TempDir dir;
    std::string uuid;
    {
        const auto store = Store::open(dir.file("s.db")).value();
        uuid = store->uuid();
        put(*store, "pods/a", "one");
        put(*store, "pods/a", "two");
        remove(*store, "pods/a");
        REQUIRE(store->put("pods/lost", nullptr, text("never committed")));
    }
    const auto store = Store::open(dir.file("s.db")).value();
    CHECK(store->uuid() == uuid);
    CHECK(store->revision() == 4);
    CHECK_FALSE(store->get("pods/lost").value());
    const EventBatch batch = store->events_after(2, "pods/", 10).value();
    REQUIRE(batch.events.size() == 2);
    CHECK(*batch.events[0]->previous == "one@2");
    CHECK(batch.events[1]->removed);
    CHECK(put(*store, "pods/a", "three").revision == 5);
}

TEST_CASE("kubestore: compaction keeps what is current and the history window", "[kubestore]") {
    const test::TempDir dir;
    const Options options{.history_revisions = 10, .ring_events_max = 4};
    {
        const auto store = Store::open(dir.file("s.db"), options).value();
        put(*store, "pods/kept", "kept");
        put(*store, "pods/gone", "x");
        remove(*store, "pods/gone");
        for (int i = 0; i < 1100; ++i) {
            put(*store, "pods/busy", std::to_string(i));
        }
        CHECK(store->compact().value());
        CHECK_FALSE(store->compact().value());
        CHECK(
            store->list({.prefix = "pods/", .at_revision = 999}).error().code() ==
            ErrorCode::resource_exhausted
        );
        CHECK(
            listed(*store, {.prefix = "pods/", .at_revision = 1001}) ==
            "pods/busy=996@1001 pods/kept=kept@2 "
        );
    }
    const auto store = Store::open(dir.file("s.db"), options).value();
    CHECK(listed(*store, {.prefix = "pods/"}) == "pods/busy=1099@1104 pods/kept=kept@2 ");
    CHECK_FALSE(store->list({.prefix = "pods/", .at_revision = 999}));
    CHECK(store->events_after(1100, "", 10).value().events.size() == 4);
    CHECK_FALSE(store->events_after(1099, "", 10));
}

TEST_CASE("kubestore: an acknowledged write survives a killed process", "[kubestore]") {
    const test::TempDir dir;
    int acknowledged[2];
    REQUIRE(::pipe(acknowledged) == 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
        auto store = Store::open(dir.file("s.db")).value();
        const Record record = store->put("pods/a", nullptr, text("one")).value();
        const char told = store->commit() ? 'y' : 'n';
        static_cast<void>(store->put("pods/a", &record, text("two")));
        static_cast<void>(::write(acknowledged[1], &told, 1));
        ::pause();
    }
    char told = 0;
    REQUIRE(::read(acknowledged[0], &told, 1) == 1);
    CHECK(told == 'y');
    ::kill(writer, SIGKILL);
    REQUIRE(::waitpid(writer, nullptr, 0) == writer);
    ::close(acknowledged[0]);
    ::close(acknowledged[1]);

    const auto store = Store::open(dir.file("s.db")).value();
    CHECK(*store->get("pods/a").value()->body == "one@2");
}

TEST_CASE(
    "kubestore: a full disk fails the commit, leaves nothing, and can be survived", "[kubestore]"
) {
    const test::TempDir dir;
    const auto store = Store::open(dir.file("s.db")).value();
    put(*store, "pods/a", "one");

    // The kernel refuses growth beyond the limit as it would on a full disk.
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
    rlimit full = before;
    full.rlim_cur = 64 << 10;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
    const Result<Record> written =
        store->put("pods/big", nullptr, text(std::string(256 << 10, 'x')));
    const Result<void> committed = store->commit();
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    ::signal(SIGXFSZ, old_handler);

    CHECK_FALSE(committed);
    CHECK(store->revision() == 2);
    CHECK_FALSE(store->get("pods/big").value());
    CHECK(store->events_after(2, "", 10).value().events.empty());
    CHECK(put(*store, "pods/b", "two").revision == 3);
    CHECK(*store->get("pods/a").value()->body == "one@2");
}

TEST_CASE("kubestore: a damaged row is an error that names it, not other data", "[kubestore]") {
    const test::TempDir dir;
    const std::string path = dir.file("s.db");
    {
        const auto store = Store::open(path).value();
        put(*store, "pods/a", "a body that is easy to find");
        put(*store, "pods/b", "fine");
    }
    std::string bytes;
    {
        std::ifstream file(path, std::ios::binary);
        bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    const std::size_t at = bytes.find("easy to find");
    REQUIRE(at != std::string::npos);
    {
        std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(static_cast<std::streamoff>(at));
        file.put('E');
    }
    const Result<std::unique_ptr<Store>> store = Store::open(path);
    REQUIRE_FALSE(store);
    CHECK(store.error().code() == ErrorCode::corrupt);
    CHECK(store.error().message().contains("revision 2 of pods/a is damaged"));
}

}  // namespace farhold::kubestore
