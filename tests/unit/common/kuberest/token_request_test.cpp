// SPDX-License-Identifier: Apache-2.0
#include "common/base/encoding.hpp"
#include "common/kuberest/account_tokens.hpp"
#include "test_api.hpp"

#include <chrono>
#include <string>

using namespace farhold;
using namespace farhold::kuberest;
using namespace std::chrono_literals;

namespace {

constexpr const char* kAccountsPath = "/api/v1/namespaces/default/serviceaccounts";
constexpr const char* kTokenPath = "/api/v1/namespaces/default/serviceaccounts/robot/token";

// An account "robot" and a pod "p" that runs as it.
struct Cluster : TestApi {
    Cluster() {
        account_uid = post(kAccountsPath, config_map("robot")).text({"metadata", "uid"});
        pod_uid =
            post(kPodsPath, pod("p", R"(,"serviceAccountName":"robot")")).text({"metadata", "uid"});
    }

    Answer ask_token(const std::string& spec) {
        return post(kTokenPath, R"({"spec":{)" + spec + "}}");
    }
    std::string bound(const std::string& uid) const {
        return R"("boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p","uid":")" + uid +
               R"("})";
    }
    std::string token(const std::string& spec) {
        Answer answer = ask_token(spec);
        REQUIRE(answer.code == 201);
        return answer.text({"status", "token"});
    }

    // What a request with that token is answered.
    Answer with_token(const std::string& token) {
        Request asked = request("GET", kPodsPath);
        asked.user = {};
        asked.bearer_token = token;
        return ask(asked);
    }

    std::string account_uid;
    std::string pod_uid;
};

constexpr const char* kForbidden =
    "pods is forbidden: User \"system:serviceaccount:default:robot\" cannot list resource \"pods\" "
    "in API group \"\" in the namespace \"default\"";

}  // namespace

TEST_CASE("token_request: a token stands for its account", "[kuberest]") {
    Cluster cluster;
    const Answer answer = cluster.ask_token(R"("expirationSeconds":3607)");
    REQUIRE(answer.code == 201);
    CHECK(answer.text({"kind"}) == "TokenRequest");
    CHECK(answer.text({"apiVersion"}) == "authentication.k8s.io/v1");
    CHECK(answer.text({"metadata", "name"}) == "robot");
    CHECK(answer.text({"status", "expirationTimestamp"}) == "2026-05-04T04:02:08Z");
    const auto used = cluster.with_token(answer.text({"status", "token"}));
    CHECK(used.code == 403);
    CHECK(used.message() == kForbidden);
}

TEST_CASE("token_request: the claims are Kubernetes' own", "[kuberest]") {
    Cluster cluster;
    const std::string token = cluster.token(cluster.bound(cluster.pod_uid));
    const std::size_t dot = token.find('.');
    const auto header = json::Value::parse(base64url_decode(token.substr(0, dot)).value()).value();
    CHECK(header.text_at({"alg"}) == "ES256");
    CHECK_FALSE(header.text_at({"kid"}).empty());
    const std::string middle = token.substr(dot + 1, token.rfind('.') - dot - 1);
    const auto claims = json::Value::parse(base64url_decode(middle).value()).value();
    CHECK(claims.text_at({"iss"}) == kTokenIssuer);
    CHECK(claims.text_at({"sub"}) == "system:serviceaccount:default:robot");
    CHECK(claims.integer_at({"exp"}, 0) - claims.integer_at({"iat"}, 0) == 3600);
    CHECK(claims.integer_at({"nbf"}, 0) == claims.integer_at({"iat"}, 1));
    CHECK(claims.text_at({"kubernetes.io", "namespace"}) == "default");
    CHECK(claims.text_at({"kubernetes.io", "serviceaccount", "uid"}) == cluster.account_uid);
    CHECK(claims.text_at({"kubernetes.io", "pod", "name"}) == "p");
    CHECK(claims.text_at({"kubernetes.io", "pod", "uid"}) == cluster.pod_uid);
}

TEST_CASE("token_request: a token ends with its time, its pod and its account", "[kuberest]") {
    Cluster cluster;
    const std::string token = cluster.token(cluster.bound(cluster.pod_uid));
    REQUIRE(cluster.with_token(token).code == 403);
    SECTION("time") {
        cluster.now += 3599s;
        CHECK(cluster.with_token(token).code == 403);
        cluster.now += 1s;
    }
    SECTION("pod") {
        cluster.remove(std::string(kPodsPath) + "/p", R"({"gracePeriodSeconds":0})");
        cluster.post(kPodsPath, pod("p", R"(,"serviceAccountName":"robot")"));
    }
    SECTION("account") {
        cluster.remove(std::string(kAccountsPath) + "/robot");
        cluster.post(kAccountsPath, config_map("robot"));
    }
    const auto used = cluster.with_token(token);
    CHECK(used.code == 401);
    CHECK(used.message() == "Unauthorized");
}

TEST_CASE("token_request: only our tokens for our API are taken", "[kuberest]") {
    Cluster cluster;
    CHECK(cluster.with_token(cluster.token(R"("audiences":["vault"])")).code == 401);
    CHECK(cluster.with_token(Cluster().token("")).code == 401);  // Signed with another key.
    const std::string token = cluster.token("");
    CHECK(cluster.with_token(token).code == 403);
    CHECK(cluster.with_token(token + "x").code == 401);
    CHECK(cluster.with_token(token.substr(0, token.rfind('.'))).code == 401);
    const std::string none = base64url_encode(R"({"alg":"none"})");
    CHECK(cluster.with_token(none + token.substr(token.find('.'))).code == 401);
    for (const char* nonsense : {"x", ".", "..", "a.b.c", "...."}) {
        CHECK(cluster.with_token(nonsense).code == 401);
    }
}

TEST_CASE("token_request: what cannot be had is refused in Kubernetes' words", "[kuberest]") {
    Cluster cluster;
    Answer answer = cluster.ask_token(R"("expirationSeconds":599)");
    CHECK(answer.code == 422);
    CHECK(
        answer.message() ==
        "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid "
        "value: "
        "599: may not specify a duration less than 10 minutes"
    );
    answer = cluster.ask_token(cluster.bound("earlier"));
    CHECK(answer.code == 409);
    CHECK(answer.message().contains("does not match the UID in record"));
    answer = cluster.ask_token(R"("boundObjectRef":{"kind":"Secret","apiVersion":"v1"})");
    CHECK(answer.code == 400);
    CHECK(answer.message() == "cannot bind token to object of type Secret");
    cluster.post(kPodsPath, pod("other"));
    answer =
        cluster.ask_token(R"("boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"other"})");
    CHECK(answer.code == 400);
    answer = cluster.ask_token(R"("boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"no"})");
    CHECK(answer.code == 404);
    answer = cluster.post(std::string(kAccountsPath) + "/nobody/token", "{}");
    CHECK(answer.code == 404);
    CHECK(answer.message() == "serviceaccounts \"nobody\" not found");
    answer = cluster.post(kTokenPath, R"({"metadata":{"name":"other"}})");
    CHECK(answer.code == 422);
}
