// SPDX-License-Identifier: Apache-2.0
#include "schema_fixture.hpp"

using namespace farhold;
using namespace farhold::kubeschema;

TEST_CASE("configmap: keys, duplicates and size are checked", "[kubeschema]") {
    CHECK(creation_errors("ConfigMap", R"({"metadata":{"name":"x"},"data":{"a":"1"}})").empty());
    const auto bad_key =
        creation_errors("ConfigMap", R"({"metadata":{"name":"x"},"data":{"a/b":""}})");
    REQUIRE(bad_key.size() == 1);
    CHECK(bad_key[0].starts_with("data[a/b]: Invalid value: \"a/b\": a valid config key must"));
    CHECK(
        creation_errors(
            "ConfigMap", R"({"metadata":{"name":"x"},"data":{"a":"1"},"binaryData":{"a":"AA=="}})"
        ) == Texts{"data[a]: Invalid value: \"a\": duplicate of key present in binaryData"}
    );
    const std::string large = std::string(std::size_t{1} << 20U, 'x');
    CHECK(
        creation_errors(
            "ConfigMap", R"({"metadata":{"name":"x"},"data":{"a":"1","b":")" + large + "\"}}"
        ) == Texts{"[]: Too long: may not be more than 1048576 bytes"}
    );
}

TEST_CASE("configmap: an immutable one changes no more", "[kubeschema]") {
    const auto stored =
        created("ConfigMap", R"({"metadata":{"name":"x"},"immutable":true,"data":{"a":"1"}})");
    CHECK(
        update_errors(
            "ConfigMap", stored, Part::main,
            [](json::Value& object) {
                object.erase("immutable");
                object["data"].set("a", json::Value::of("2"));
            }
        ) ==
        Texts{
            "immutable: Forbidden: field is immutable when `immutable` is set",
            "data: Forbidden: field is immutable when `immutable` is set"
        }
    );
    CHECK(update_errors("ConfigMap", stored, Part::main, [](json::Value& object) {
              object.ensure_path({"metadata", "labels"}).set("a", json::Value::of("b"));
          }).empty());
}

TEST_CASE("secret: stringData goes into data, the type has a default and stays", "[kubeschema]") {
    const auto stored = created(
        "Secret",
        R"({"metadata":{"name":"x"},"data":{"a":"MQ==","b":"Mg=="},"stringData":{"a":"new"}})"
    );
    CHECK(stored.find("stringData") == nullptr);
    CHECK(stored.text_at({"data", "a"}) == "bmV3");
    CHECK(stored.text_at({"data", "b"}) == "Mg==");
    CHECK(stored.text_at({"type"}) == "Opaque");
    CHECK(update_errors("Secret", stored, Part::main, [](json::Value& object) {
              object.set("type", json::Value::of("other"));
          }) == Texts{"type: Invalid value: \"other\": field is immutable"});
}

TEST_CASE("secret: well-known types need their keys", "[kubeschema]") {
    CHECK(
        creation_errors("Secret", R"({"metadata":{"name":"x"},"type":"kubernetes.io/tls"})") ==
        Texts{"data[tls.crt]: Required value", "data[tls.key]: Required value"}
    );
    CHECK(
        creation_errors(
            "Secret", R"({"metadata":{"name":"x"},"type":"kubernetes.io/service-account-token"})"
        ) == Texts{"metadata.annotations[kubernetes.io/service-account.name]: Required value"}
    );
}
