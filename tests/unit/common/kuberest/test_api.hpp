// SPDX-License-Identifier: Apache-2.0
//
// The API over a store in memory, with namespace "default", asked as kubectl would.
#pragma once

#include "common/kuberest/api.hpp"
#include "common/kuberest/watcher.hpp"
#include "common/object/time_text.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::kuberest {

struct Answer {
    int code = 0;
    json::Value body;
    Response response;

    std::string text(json::Path path) const { return std::string(body.text_at(path)); }
    std::string message() const { return text({"message"}); }
    std::string reason() const { return text({"reason"}); }
    std::string revision() const { return text({"metadata", "resourceVersion"}); }
};

class TestApi {
public:
    explicit TestApi(kubestore::Options options = {})
        : store(kubestore::Store::open(":memory:", options).value()),
          api(*store, kubeschema::Registry::built_in(), Random(7),
              AccountTokens(pki::PrivateKey::generate())) {
        post("/api/v1/namespaces", R"({"metadata":{"name":"default"}})");
    }

    Request request(std::string method, std::string_view target, std::string body = {}) const {
        Request made;
        made.method = std::move(method);
        const std::size_t question = std::min(target.find('?'), target.size());
        made.path = target.substr(0, question);
        std::string_view query = target.substr(std::min(question + 1, target.size()));
        while (!query.empty()) {
            const std::string_view pair = query.substr(0, query.find('&'));
            query.remove_prefix(std::min(pair.size() + 1, query.size()));
            const std::size_t equals = pair.find('=');
            made.query.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
        }
        made.accept = accept;
        made.body = std::move(body);
        made.user = {"admin", {"system:masters"}};
        return made;
    }

    Answer ask(const Request& asked) {
        Answer answer;
        answer.response = api.handle(asked, now);
        REQUIRE(store->commit());
        answer.code = answer.response.code;
        answer.body = json::Value::parse(answer.response.body).value_or(json::Value());
        return answer;
    }

    Answer get(std::string_view target) { return ask(request("GET", target)); }
    Answer post(std::string_view target, std::string body) {
        return ask(request("POST", target, std::move(body)));
    }
    Answer put(std::string_view target, const json::Value& body) {
        return ask(request("PUT", target, body.dump()));
    }
    Answer remove(std::string_view target, std::string body = {}) {
        return ask(request("DELETE", target, std::move(body)));
    }
    Answer patch(std::string_view target, std::string_view form, std::string body) {
        Request asked = request("PATCH", target, std::move(body));
        asked.content_type = "application/" + std::string(form) + "+json";
        return ask(asked);
    }

    // "ADDED default/a@5" for each line; Tables and bookmarks likewise.
    std::vector<std::string> poll(Watcher& watcher) {
        std::vector<std::string> lines;
        std::string text = watcher.poll(now).text;
        while (!text.empty()) {
            const std::size_t end = text.find('\n');
            const json::Value line = json::Value::parse(text.substr(0, end)).value();
            const json::Value& object = *line.find("object");
            lines.push_back(
                std::string(line.text_at({"type"})) + " " +
                std::string(object.text_at({"metadata", "name"}, object.text_at({"reason"}))) +
                "@" + std::string(object.text_at({"metadata", "resourceVersion"}))
            );
            text.erase(0, end + 1);
        }
        return lines;
    }

    std::unique_ptr<Watcher> watch(std::string_view target) {
        Answer answer = get(target);
        REQUIRE(answer.response.watcher);
        return std::move(answer.response.watcher);
    }

    std::unique_ptr<kubestore::Store> store;
    Api api;
    WallTime now = object::parse_time("2026-05-04T03:02:01Z").value();
    std::string accept = "application/json";
};

inline constexpr const char* kConfigMapsPath = "/api/v1/namespaces/default/configmaps";
inline constexpr const char* kPodsPath = "/api/v1/namespaces/default/pods";

inline std::string config_map(std::string_view name, std::string_view more = {}) {
    return R"({"metadata":{"name":")" + std::string(name) + R"("})" + std::string(more) + "}";
}

inline std::string pod(std::string_view name, std::string_view spec = {}) {
    return R"({"metadata":{"name":")" + std::string(name) +
           R"("},"spec":{"containers":[{"name":"c","image":"i:1"}])" + std::string(spec) + "}}";
}

}  // namespace farhold::kuberest
