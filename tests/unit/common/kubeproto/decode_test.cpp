// SPDX-License-Identifier: Apache-2.0
#include "common/kubeproto/decode.hpp"

#include "common/base/encoding.hpp"
#include "common/base/random.hpp"
#include "common/kubeschema/registry.hpp"
#include "common/kubeschema/writes.hpp"
#include "encoded_objects.hpp"
#include "tests/support/catch.hpp"

#include <string>

using namespace farhold;
using namespace farhold::kubeproto;

namespace {

std::string protobuf_of(const EncodedObject& encoded) {
    std::string text(encoded.protobuf);
    std::erase(text, '\n');
    return base64_decode(text).value();
}

Result<json::Value> decode(std::string_view body) {
    const auto envelope = open_envelope(body);
    if (!envelope) {
        return fail(envelope.error());
    }
    const auto* type = kubeschema::FieldTable::built_in().find(envelope->kind);
    return type != nullptr ? decode_message(envelope->raw, *type)
                           : fail(ErrorCode::not_found, "kind");
}

// What is left when defaults of Go's encoders, such as null times, are out of the way.
json::Value conformed(json::Value object, const Envelope& envelope) {
    const auto registry = kubeschema::Registry::built_in();
    const auto slash = envelope.api_version.find('/');
    const std::string group =
        slash == std::string::npos ? "" : envelope.api_version.substr(0, slash);
    if (const auto type = registry.find_kind(group, "v1", envelope.kind)) {
        std::vector<std::string> unknown;
        REQUIRE(kubeschema::conform(*type, object, unknown));
        CHECK(unknown.empty());
    }
    return object;
}

}  // namespace

TEST_CASE("kubeproto: every kind decodes to the JSON that Go writes", "[kubeproto]") {
    for (const EncodedObject& encoded : kEncodedObjects) {
        const std::string body = protobuf_of(encoded);
        const auto envelope = open_envelope(body);
        REQUIRE(envelope);
        INFO(envelope->kind);
        const auto decoded = decode(body);
        REQUIRE(decoded);
        const auto expected = json::Value::parse(encoded.json);
        REQUIRE(expected);
        const json::Value ours = conformed(*decoded, *envelope);
        INFO(ours.dump());
        CHECK((ours == conformed(*expected, *envelope)));
    }
}

TEST_CASE("kubeproto: what the Go encoder writes for nothing is absent", "[kubeproto]") {
    // Metadata of `kubectl create configmap x`: seven empty fields behind the name.
    const std::string raw = hex_decode("0a110a017812001a0022002a00320038004200").value();
    const auto* type = kubeschema::FieldTable::built_in().find("ConfigMap");
    const auto decoded = decode_message(raw, *type);
    REQUIRE(decoded);
    CHECK(decoded->dump() == R"({"metadata":{"name":"x"}})");
}

TEST_CASE("kubeproto: a body without the magic is refused, an empty one is empty", "[kubeproto]") {
    CHECK(
        open_envelope("{}").error().message() ==
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
    );
    const auto empty = open_envelope(std::string_view("k8s\0", 4));
    REQUIRE(empty);
    CHECK(empty->kind.empty());
}

TEST_CASE("kubeproto: damaged bodies are errors or smaller objects, never worse", "[kubeproto]") {
    Random random(1);
    for (const EncodedObject& encoded : kEncodedObjects) {
        const std::string body = protobuf_of(encoded);
        for (std::size_t length = 0; length < body.size(); ++length) {
            (void)decode(body.substr(0, length));
        }
        for (int round = 0; round < 500; ++round) {
            std::string flipped = body;
            const auto place = random.between(0, flipped.size() - 1);
            flipped[place] = static_cast<char>(random.next());
            if (const auto decoded = decode(flipped)) {
                CHECK(decoded->is_object());
            }
        }
    }
}

TEST_CASE("kubeproto: a map of very many entries is refused", "[kubeproto]") {
    std::string raw;
    for (int i = 0; i < 20'000; ++i) {
        const std::string key = "key" + std::to_string(10'000 + i);
        raw += "\x12\x0c\x0a\x08" + key + "\x12";
        raw += '\0';
    }
    const auto* type = kubeschema::FieldTable::built_in().find("ConfigMap");
    const auto decoded = decode_message(raw, *type);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code() == ErrorCode::invalid_argument);
}
