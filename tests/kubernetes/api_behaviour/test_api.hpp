// SPDX-License-Identifier: Apache-2.0
//
// A fresh API, asked as kubectl would.
#pragma once

#include "common/object/time_text.hpp"
#include "server.hpp"
#include "tests/support/catch.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::api_behaviour {

class TestApi {
public:
    Answer ask(const Question& question) { return server_->ask(question); }

    Question question(std::string method, std::string_view target, std::string body = {}) const {
        Question made;
        made.method = std::move(method);
        made.target = target;
        made.body = std::move(body);
        made.accept = accept;
        return made;
    }

    Answer get(std::string_view target) { return ask(question("GET", target)); }
    Answer post(std::string_view target, std::string body) {
        return ask(question("POST", target, std::move(body)));
    }
    Answer put(std::string_view target, const json::Value& body) {
        return ask(question("PUT", target, body.dump()));
    }
    Answer remove(std::string_view target, std::string body = {}) {
        return ask(question("DELETE", target, std::move(body)));
    }
    Answer patch(std::string_view target, std::string_view form, std::string body) {
        Question asked = question("PATCH", target, std::move(body));
        asked.content_type = "application/" + std::string(form) + "+json";
        return ask(asked);
    }
    std::unique_ptr<Watch> watch(std::string_view target) {
        return server_->watch(question("GET", target));
    }

    void wait_until_served(std::string_view target) {
        server_->wait_until_served(question("GET", target));
    }

    // How far that time is from now; a real server's clock has gone on meanwhile.
    std::chrono::seconds until(std::string_view time) const {
        return std::chrono::round<std::chrono::seconds>(
            object::parse_time(time).value() - server_->now()
        );
    }

    std::string accept = "application/json";

private:
    std::unique_ptr<Server> server_ = fresh_server();
};

// "ADDED a" for each of the next events.
inline std::vector<std::string> next_events(Watch& watch, int count) {
    std::vector<std::string> lines;
    for (int i = 0; i < count; ++i) {
        const json::Value event = watch.next();
        lines.push_back(
            std::string(event.text_at({"type"})) + " " +
            std::string(event.text_at({"object", "metadata", "name"}))
        );
    }
    return lines;
}

inline std::string names(const Answer& list) {
    std::string text;
    for (const json::Value& item : list.body.elements_at({"items"})) {
        text.append(item.text_at({"metadata", "name"})) += ' ';
    }
    return text;
}

// What is asked, and what is answered; of a success only the code.
struct Expected {
    std::string method;
    std::string target;
    std::string body;
    int code;
    std::string message;
};

inline void check_each(TestApi& api, const std::vector<Expected>& all) {
    for (const Expected& tried : all) {
        INFO(tried.method << " " << tried.target << " " << tried.body);
        Question question = api.question(tried.method, tried.target, tried.body);
        if (tried.method == "PATCH") question.content_type = "application/merge-patch+json";
        const Answer answer = api.ask(question);
        CHECK(answer.code == tried.code);
        if (answer.code >= 400) {
            CHECK(answer.message() == tried.message);
        }
    }
}

inline const std::string kConfigMaps = "/api/v1/namespaces/default/configmaps";
inline const std::string kPods = "/api/v1/namespaces/default/pods";

inline std::string config_map(std::string_view name, std::string_view more = {}) {
    return R"({"metadata":{"name":")" + std::string(name) + R"("})" + std::string(more) + "}";
}

inline std::string pod(std::string_view name, std::string_view spec = {}) {
    return R"({"metadata":{"name":")" + std::string(name) +
           R"("},"spec":{"containers":[{"name":"c","image":"i:1"}])" + std::string(spec) + "}}";
}

}  // namespace farhold::api_behaviour
