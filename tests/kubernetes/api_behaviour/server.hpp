// SPDX-License-Identifier: Apache-2.0
//
// An API server as a behaviour case sees it, whichever one it is.
#pragma once

#include "common/base/time.hpp"
#include "common/json/value.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::api_behaviour {

// One request, of a member of system:masters unless it is anonymous.
struct Question {
    std::string method = "GET";
    std::string target;  // Path and query, nothing of it percent-encoded.
    std::string body;
    std::string content_type = "application/json";
    std::string accept = "application/json";
    std::string if_none_match;
    bool anonymous = false;

    std::string_view path() const;
    std::vector<std::pair<std::string, std::string>> query() const;
};

// What pods of cases run under, without a volume for its token: both servers let them in unchanged.
Question default_account();

struct Answer {
    int code = 0;
    std::string content_type;
    std::vector<std::pair<std::string, std::string>> headers;  // "Warning", "ETag", "Retry-After".
    std::string text;
    json::Value body;  // null when the text is not JSON.

    std::string text_at(json::Path path) const { return std::string(body.text_at(path)); }
    std::string message() const { return text_at({"message"}); }
    std::string reason() const { return text_at({"reason"}); }
    std::string revision() const { return text_at({"metadata", "resourceVersion"}); }
    std::string uid() const { return text_at({"metadata", "uid"}); }
    std::string header(std::string_view name) const;
};

class Watch {
public:
    virtual ~Watch() = default;

    // The next event; null when the stream has ended. Throws when none comes.
    virtual json::Value next() = 0;
};

class Server {
public:
    virtual ~Server() = default;

    virtual Answer ask(const Question& question) = 0;
    // Throws when the answer is no stream.
    virtual std::unique_ptr<Watch> watch(const Question& question) = 0;
    virtual WallTime now() const = 0;

    // Until what was defined is served: a real server takes a moment. Not compared.
    virtual void wait_until_served(const Question& question) = 0;
};

// One that holds its own namespaces and nothing else. Each executable has another.
std::unique_ptr<Server> fresh_server();

}  // namespace farhold::api_behaviour
