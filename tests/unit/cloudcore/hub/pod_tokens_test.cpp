// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/pod_tokens.hpp"

#include "common/object/metadata.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/embedded_api.hpp"

#include <optional>
#include <string>
#include <utility>

using namespace farhold;
using namespace farhold::hub;

namespace {

tunnel::TokenRequest request_for(std::string uid) {
    return {
        .id = 4,
        .wish =
            {
                .ns = "default",
                .pod = "p",
                .pod_uid = std::move(uid),
                .service_account = "robot",
                .audience = {},
                .expiration_seconds = 3607,
            },
    };
}

json::Value pod() {
    return json::Value::parse(R"({"metadata":{"name":"p"},"spec":{"serviceAccountName":"robot",)"
                              R"("containers":[{"name":"c","image":"i"}]}})")
        .value();
}

// Notes what is asked of the API and answers as it is told to.
class Api final : public kubeapi::KubeObjects {
public:
    Task<Result<json::Value>> create(
        kubeapi::ResourceRef resource, std::string ns, json::Value object, std::string subresource
    ) override {
        asked = resource.plural + "/" + ns + "/" + subresource + " " + object.dump();
        co_return answer;
    }
    Task<Result<json::Value>> get(kubeapi::ResourceRef, std::string, std::string) override {
        co_return answer;
    }
    Task<Result<kubeapi::ListResult>> list(kubeapi::ResourceRef, kubeapi::ListOptions) override {
        co_return kubeapi::ListResult{};
    }
    Task<Result<json::Value>> update(kubeapi::ResourceRef, std::string, json::Value, std::string)
        override {
        co_return answer;
    }
    Task<Result<json::Value>> patch(kubeapi::ResourceRef, std::string, std::string, kubeapi::Patch)
        override {
        co_return answer;
    }
    Task<Result<void>> remove(
        kubeapi::ResourceRef, std::string, std::string, kubeapi::DeleteOptions
    ) override {
        co_return Result<void>();
    }

    Result<json::Value> answer;
    std::string asked;
};

tunnel::Token mint(Api& api, tunnel::TokenRequest request) {
    std::optional<tunnel::Token> minted;
    test::run_task([&]() -> Task<> { minted = co_await mint_token(api, std::move(request)); });
    return *minted;
}

}  // namespace

TEST_CASE("pod_tokens: Kubernetes is asked for a token that ends with the pod", "[pod_tokens]") {
    Api api;
    api.answer = json::Value::parse(
        R"({"status":{"token":"jwt","expirationTimestamp":"2026-01-02T15:04:05Z"}})"
    );
    tunnel::TokenRequest request = request_for("u");
    const tunnel::Token token = mint(api, request);
    CHECK(token.id == 4);
    CHECK(token.token == "jwt");
    CHECK(token.refusal.empty());
    CHECK(token.expires == WallTime(std::chrono::seconds(1767366245)));
    const std::string rest =
        R"("expirationSeconds":3607,"boundObjectRef":{"apiVersion":"v1","kind":"Pod",)"
        R"("name":"p","uid":"u"}}})";
    const std::string head =
        R"(serviceaccounts/default/token {"apiVersion":"authentication.k8s.io/v1",)"
        R"("kind":"TokenRequest","metadata":{"name":"robot"},"spec":{)";
    CHECK(api.asked == head + rest);

    request.wish.audience = "vault";
    (void)mint(api, request);
    CHECK(api.asked == head + R"("audiences":["vault"],)" + rest);
}

TEST_CASE(
    "pod_tokens: what may pass is asked for again, what a person must mend is not", "[pod_tokens]"
) {
    struct Case {
        ErrorCode code;
        bool retry;
    };
    for (const Case& one :
         {Case{ErrorCode::not_found, false}, Case{ErrorCode::permission_denied, false},
          Case{ErrorCode::invalid_argument, false}, Case{ErrorCode::conflict, false},
          Case{ErrorCode::unavailable, true}, Case{ErrorCode::deadline, true},
          Case{ErrorCode::internal, true}, Case{ErrorCode::unauthenticated, true}}) {
        Api api;
        api.answer = fail(one.code, "why");
        const tunnel::Token token = mint(api, request_for("u"));
        CHECK(token.token.empty());
        CHECK(token.refusal == "why");
        CHECK(token.retry == one.retry);
    }
    for (const char* text :
         {"{}", R"({"status":{"token":"jwt"}})",
          R"({"status":{"expirationTimestamp":"2026-01-02T15:04:05Z"}})"}) {
        Api api;
        api.answer = json::Value::parse(text);
        const tunnel::Token token = mint(api, request_for("u"));
        CHECK(token.token.empty());
        CHECK(token.retry);
    }
}

TEST_CASE("pod_tokens: the embedded API mints them", "[pod_tokens]") {
    apiserver::with_client([](kubeapi::KubeClient& client) -> Task<> {
        const auto account = co_await client.create(
            kubeapi::kServiceAccounts, "default", apiserver::named("robot"), ""
        );
        CHECK(account);
        auto made = co_await client.create(kubeapi::kPods, "default", pod(), "");
        REQUIRE(made);
        const auto token =
            co_await mint_token(client, request_for(std::string(object::uid(*made))));
        CHECK(token.refusal.empty());
        CHECK(token.token.starts_with("ey"));
        CHECK(token.expires > SystemClock().now().wall + std::chrono::minutes(59));

        const auto refused = co_await mint_token(client, request_for("earlier"));
        CHECK(refused.token.empty());
        CHECK(refused.refusal.contains("does not match the UID in record"));
        CHECK_FALSE(refused.retry);
    });
}
