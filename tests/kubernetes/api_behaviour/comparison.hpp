// SPDX-License-Identifier: Apache-2.0
//
// Whether two servers that were asked the same have answered the same. Uids, revisions, generated
// names and tokens differ by nature; the one server's are known by the other's.
#pragma once

#include "server.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::api_behaviour {

// What the real server calls something, and what the embedded one calls the same.
class Comparison {
public:
    // A real server of another release than the embedded one follows has other words: of refusals
    // code and reason are compared then, and of Tables all but the cells.
    explicit Comparison(bool same_release) : same_release_(same_release) {}

    // The question with the embedded server's names for what the real one has named.
    Question translated(Question question) const;

    // One line for each difference that is not intended; learns names on the way.
    std::vector<std::string> differences(
        const Question& question, const Answer& real, const Answer& embedded
    );
    std::vector<std::string> differences(const json::Value& real, const json::Value& embedded);

private:
    void compare(std::string_view path, const json::Value* real, const json::Value* embedded);
    void compare_named(
        const std::string& path, const json::Array& real, const json::Array& embedded
    );
    void compare_objects(
        const std::string& path, const json::Value& real, const json::Value& embedded
    );
    void compare_texts(
        const std::string& path, const std::string& real, const std::string& embedded
    );
    void differ(std::string_view path, const std::string& real, const std::string& embedded);
    std::string in_real_words(std::string text) const;
    void translate_revisions(json::Value& value) const;

    bool same_release_;
    std::map<std::string, std::string> tokens_;     // Of the real server to the embedded one's.
    std::map<std::string, std::string> revisions_;  // Likewise.
    std::vector<std::string> found_;
    bool real_has_more_ = false;
};

}  // namespace farhold::api_behaviour
