// SPDX-License-Identifier: Apache-2.0
//
// Against a client that follows a script.
#include "common/kubeapi/informer.hpp"

#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace farhold;
using namespace farhold::kubeapi;
using Story = std::vector<std::string>;

namespace {

ObjectPtr object_of(const std::string& name, const std::string& version) {
    return std::make_shared<const json::Value>(json::Value::parse(
                                                   R"({"metadata":{"name":")" + name +
                                                   R"(","resourceVersion":")" + version + R"("}})"
    )
                                                   .value());
}

// Tells its events and fails with the error.
class ScriptedStream final : public WatchStream {
public:
    ScriptedStream(std::deque<WatchEvent> events, ErrorCode end)
        : events_(std::move(events)), end_(end) {}

    Task<Result<WatchEvent>> next() override {
        if (events_.empty()) co_return fail(end_, "the script ends");
        WatchEvent event = std::move(events_.front());
        events_.pop_front();
        co_return event;
    }

private:
    std::deque<WatchEvent> events_;
    ErrorCode end_;
};

std::unique_ptr<WatchStream> stream_of(ObjectPtr changed, ErrorCode end) {
    std::deque<WatchEvent> events{{WatchEvent::Type::modified, std::move(changed)}};
    return std::make_unique<ScriptedStream>(std::move(events), end);
}

class ScriptedClient final : public KubeClient {
public:
    explicit ScriptedClient(Story& story) : story_(story) {}

    std::deque<ListedWatch> lists;
    std::deque<std::unique_ptr<WatchStream>> watches;

    Task<Result<ListedWatch>> list_and_watch(ResourceRef, ListOptions options) override {
        if (lists.empty()) co_return fail(ErrorCode::cancelled, "the script ends");
        story_.emplace_back("list");
        ListedWatch listed = std::move(lists.front());
        lists.pop_front();
        for (ObjectPtr& item : listed.list.items) item = options.on_read(item);
        co_return listed;
    }
    Task<Result<std::unique_ptr<WatchStream>>> watch(ResourceRef, ListOptions, std::string version)
        override {
        story_.push_back("watch from " + version);
        if (watches.empty()) co_return fail(ErrorCode::resource_exhausted, "expired");
        auto stream = std::move(watches.front());
        watches.pop_front();
        co_return stream;
    }

    Task<Result<ListResult>> list(ResourceRef, ListOptions) override { co_return unscripted(); }
    Task<Result<json::Value>> get(ResourceRef, std::string, std::string) override {
        co_return unscripted();
    }
    Task<Result<json::Value>> create(ResourceRef, std::string, json::Value, std::string) override {
        co_return unscripted();
    }
    Task<Result<json::Value>> update(ResourceRef, std::string, json::Value, std::string) override {
        co_return unscripted();
    }
    Task<Result<json::Value>> patch(ResourceRef, std::string, std::string, Patch) override {
        co_return unscripted();
    }
    Task<Result<void>> remove(ResourceRef, std::string, std::string, DeleteOptions) override {
        co_return unscripted();
    }

private:
    static std::unexpected<Error> unscripted() {
        return fail(ErrorCode::internal, "not in the script");
    }

    Story& story_;
};

class Recorder final : public ObjectHandler {
public:
    explicit Recorder(Story& story) : story_(story) {}

    void replaced(const std::vector<ObjectPtr>& objects) override {
        story_.push_back("replaced by " + std::to_string(objects.size()));
    }
    void changed(const ObjectPtr& object) override { tell("changed ", object); }
    void removed(const ObjectPtr& object) override { tell("removed ", object); }

private:
    void tell(std::string what, const ObjectPtr& object) {
        story_.push_back(std::move(what.append(object::name(*object))));
    }

    Story& story_;
};

template <class Prepare>
Story run(Prepare prepare) {
    Story story;
    test::run_task([&]() -> Task<> {
        ScriptedClient client(story);
        prepare(client);
        Recorder recorder(story);
        Informer informer(client, kPods, {}, recorder, {});
        co_await informer.run();
    });
    return story;
}

}  // namespace

TEST_CASE("informer: the watch that a list brought goes on", "[kubeapi]") {
    const Story story = run([](ScriptedClient& client) {
        client.lists.push_back(
            {{{object_of("a", "3")}, "5"}, stream_of(object_of("b", "7"), ErrorCode::unavailable)}
        );
        client.watches.push_back(stream_of(object_of("c", "8"), ErrorCode::resource_exhausted));
    });
    CHECK(story == Story{"list", "replaced by 1", "changed b", "watch from 7", "changed c"});
}

TEST_CASE("informer: a list without a watch is followed by one from its version", "[kubeapi]") {
    const Story story = run([](ScriptedClient& client) {
        client.lists.push_back({{{object_of("a", "3")}, "5"}, nullptr});
        client.watches.push_back(stream_of(object_of("b", "7"), ErrorCode::resource_exhausted));
    });
    CHECK(story == Story{"list", "replaced by 1", "watch from 5", "changed b"});
}

TEST_CASE("informer: a list is read again when the history is gone", "[kubeapi]") {
    const Story story = run([](ScriptedClient& client) {
        for (int i = 0; i < 2; ++i) {
            client.lists.push_back({{{}, "5"}, nullptr});
        }
    });
    const Story once{"list", "replaced by 0", "watch from 5"};
    Story twice = once;
    twice.insert(twice.end(), once.begin(), once.end());
    CHECK(story == twice);
}
