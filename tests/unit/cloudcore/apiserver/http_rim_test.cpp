// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/http_rim.hpp"

#include "tests/support/catch.hpp"

namespace farhold::apiserver {

TEST_CASE("http rim: a certificate names the user, none is anonymous", "[apiserver]") {
    net::PeerIdentity peer;
    CHECK(user_of(peer).name == "system:anonymous");
    peer.has_certificate = true;
    peer.subject_cn = "admin";
    peer.organizations = {"system:masters"};
    CHECK(user_of(peer).name == "admin");
    CHECK(user_of(peer).in_group("system:masters"));
    CHECK(user_of(peer).in_group("system:authenticated"));
    peer.expired_only = true;
    CHECK(user_of(peer).name == "system:anonymous");
}

TEST_CASE("http rim: targets are decoded into path and query", "[apiserver]") {
    net::HttpRequest request;
    request.target =
        "/api/v1/pods?fieldSelector=metadata.name%3Da%2Cb&watch=true&empty=&flag&x=a+b&x=2";
    request.headers.add("Accept", "application/json");
    const kuberest::Request translated = translate(request, {}).value();
    CHECK(translated.path == "/api/v1/pods");
    CHECK(translated.accept == "application/json");
    CHECK(kuberest::find_parameter(translated.query, "fieldSelector") == "metadata.name=a,b");
    CHECK(kuberest::find_parameter(translated.query, "flag") == "");
    CHECK(kuberest::find_parameter(translated.query, "x") == "a b");
    CHECK(translated.query.size() == 6);

    request.target = "/api/v1/pods?x=%4";
    CHECK_FALSE(translate(request, {}));
}

}  // namespace farhold::apiserver
