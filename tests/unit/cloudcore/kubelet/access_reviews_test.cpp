// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kubelet/access_reviews.hpp"

#include "common/json/value.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

#include <string>
#include <vector>

using namespace farhold;           // NOLINT(google-build-using-namespace)
using namespace farhold::kubelet;  // NOLINT(google-build-using-namespace)
using namespace std::chrono_literals;
using json::Value;

namespace {

class ManualClock final : public Clock {
public:
    Now now() const override { return now_; }
    void pass(Duration time) { now_.mono += time; }

private:
    Now now_;
};

// A cluster that answers reviews: who is called "api" may, and the only token is "good".
class Reviewing final : public kubeapi::KubeObjects {
public:
    Task<Result<Value>> create(
        kubeapi::ResourceRef resource, std::string /*ns*/, Value object, std::string /*sub*/
    ) override {
        asked.push_back(resource.plural);
        last = object;
        if (resource.plural == "tokenreviews") {
            const bool good = object.text_at({"spec", "token"}) == "good";
            Value& status = object.set("status", Value::make_object());
            status.set("authenticated", Value::of(good));
            status.ensure_path({"user"}).set("username", Value::of("api"));
        } else {
            const bool allowed = object.text_at({"spec", "user"}) == "api";
            object.ensure_path({"status"}).set("allowed", Value::of(allowed));
        }
        co_return object;
    }
    Task<Result<Value>> get(kubeapi::ResourceRef, std::string, std::string) override {
        co_return fail(ErrorCode::unsupported, "not asked");
    }
    Task<Result<kubeapi::ListResult>> list(kubeapi::ResourceRef, kubeapi::ListOptions) override {
        co_return fail(ErrorCode::unsupported, "not asked");
    }
    Task<Result<Value>> update(kubeapi::ResourceRef, std::string, Value, std::string) override {
        co_return fail(ErrorCode::unsupported, "not asked");
    }
    Task<Result<Value>> patch(kubeapi::ResourceRef, std::string, std::string, kubeapi::Patch)
        override {
        co_return fail(ErrorCode::unsupported, "not asked");
    }
    Task<Result<void>> remove(
        kubeapi::ResourceRef, std::string, std::string, kubeapi::DeleteOptions
    ) override {
        co_return fail(ErrorCode::unsupported, "not asked");
    }

    std::vector<std::string> asked;
    Value last;
};

const Access kStats{.verb = "get", .subresource = "stats", .node = "robot-7"};

}  // namespace

TEST_CASE("access reviews: the cluster is asked once in a while", "[kubelet]") {
    test::run_task([]() -> Task<> {
        Reviewing cluster;
        ManualClock clock;
        AccessReviews reviews(cluster, clock);
        const Asker api{.name = "api", .groups = {"masters"}};
        for (int i = 0; i < 3; ++i) {
            const auto allowed = co_await reviews.may(api, kStats);
            CHECK(allowed.has_value());
        }
        CHECK(cluster.asked.size() == 1);
        const Value* what = cluster.last.at_path({"spec", "resourceAttributes"});
        REQUIRE(what != nullptr);
        CHECK(what->text_at({"resource"}) == "nodes");
        CHECK(what->text_at({"subresource"}) == "stats");
        CHECK(what->text_at({"name"}) == "robot-7");
        clock.pass(5min);
        const auto again = co_await reviews.may(api, kStats);
        CHECK(again.has_value());
        CHECK(cluster.asked.size() == 2);
    });
}

TEST_CASE("access reviews: who must not is told, and may ask again soon", "[kubelet]") {
    test::run_task([]() -> Task<> {
        Reviewing cluster;
        ManualClock clock;
        AccessReviews reviews(cluster, clock);
        const Asker stranger{.name = "stranger", .groups = {}};
        for (int i = 0; i < 2; ++i) {
            const auto refused = co_await reviews.may(stranger, kStats);
            REQUIRE_FALSE(refused.has_value());
            CHECK(refused.error().code() == ErrorCode::permission_denied);
        }
        CHECK(cluster.asked.size() == 1);
        clock.pass(30s);
        const auto again = co_await reviews.may(stranger, kStats);
        CHECK_FALSE(again.has_value());
        CHECK(cluster.asked.size() == 2);
    });
}

TEST_CASE("access reviews: a token is its owner's, or nobody's", "[kubelet]") {
    test::run_task([]() -> Task<> {
        Reviewing cluster;
        ManualClock clock;
        AccessReviews reviews(cluster, clock);
        for (int i = 0; i < 2; ++i) {
            const auto owner = co_await reviews.who_has("good");
            REQUIRE(owner.has_value());
            CHECK(owner->name == "api");
        }
        CHECK(cluster.asked.size() == 1);
        const auto nobody = co_await reviews.who_has("bad");
        REQUIRE_FALSE(nobody.has_value());
        CHECK(nobody.error().code() == ErrorCode::unauthenticated);
    });
}
