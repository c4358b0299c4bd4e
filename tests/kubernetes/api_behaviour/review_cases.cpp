// SPDX-License-Identifier: Apache-2.0
//
// What users may ask about themselves.
#include "test_api.hpp"

namespace farhold::api_behaviour {
namespace {

const std::string kAccess = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const std::string kRules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
const std::string kSelf = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

}  // namespace

TEST_CASE("reviews: an administrator is told its name and that it may do everything", "[api]") {
    TestApi api;
    const Answer self = api.post(kSelf, "{}");
    CHECK(self.code == 201);
    CHECK(self.text_at({"status", "userInfo", "username"}) == "admin");
    const Answer access = api.post(
        kAccess,
        R"({"spec":{"resourceAttributes":{"namespace":"default","verb":"get","resource":"pods"}}})"
    );
    CHECK(access.code == 201);
    CHECK(access.body.bool_at({"status", "allowed"}));
    CHECK(api.post(kAccess, R"({"spec":{"nonResourceAttributes":{"path":"/x","verb":"get"}}})")
              .body.bool_at({"status", "allowed"}));
    const Answer rules = api.post(kRules, R"({"spec":{"namespace":"default"}})");
    CHECK(rules.code == 201);
    CHECK_FALSE(rules.body.elements_at({"status", "resourceRules"}).empty());
}

TEST_CASE("reviews: what is asked must make sense, and nothing is kept", "[api]") {
    TestApi api;
    CHECK(api.post(kAccess, "{}").code == 422);
    CHECK(
        api.post(
               kAccess,
               R"({"spec":{"resourceAttributes":{"verb":"get"},"nonResourceAttributes":{"path":"/"}}})"
        )
            .code == 422
    );
    CHECK(api.post(kAccess, R"({"spec":"x"})").code == 400);
    CHECK(api.get(kAccess).code == 405);
    CHECK(api.get(kAccess + "/a").code == 404);
    for (const std::string& path : {kAccess, kRules, kSelf}) {
        Question stranger = api.question("POST", path, "{}");
        stranger.anonymous = true;
        CHECK(api.ask(stranger).code == 403);
    }
}

}  // namespace farhold::api_behaviour
