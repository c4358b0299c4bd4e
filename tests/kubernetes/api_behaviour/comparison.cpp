// SPDX-License-Identifier: Apache-2.0
#include "comparison.hpp"

#include "common/object/time_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <regex>
#include <set>
#include <utility>

namespace farhold::api_behaviour {
namespace {

using json::Value;

// Where the embedded server is meant to differ; README.md gives the reasons. A path is meant with all
// that is below it, wherever it stands.
constexpr auto kIntended = std::to_array<std::string_view>({
    "metadata.managedFields",
    "columnDefinitions[].description",
    "serverAddressByClientCIDRs[].serverAddress",
    "storageVersionHash",
    "status.token",
    "userInfo.extra",
    "status.nonResourceRules",
    "status.resourceRules",
});

// Sentences whose end is the parser's own.
constexpr auto kOwnWordsAfter = std::to_array<std::string_view>({
    "json parse error: ",
    "error parsing regexp: ",
    "continue key is not valid: ",
    "Z07:00\": ",
    "<secret contents redacted>\": ",
    "if it was previously negative)",
    " of type ",
});

bool is_intended(std::string_view path) {
    return std::ranges::any_of(kIntended, [path](std::string_view intended) {
        return path.ends_with(intended);
    });
}

// For people to read.
bool is_words(std::string_view path) {
    return path == "message" || path == "details.causes" || path == "rows[].cells[]";
}

bool is_revision(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// The clocks are read one after the other; what every server has was made when it was started.
bool same_time(std::string_view path, const std::string& a, const std::string& b) {
    const auto left = object::parse_time(a);
    const auto right = object::parse_time(b);
    if (!left || !right) return false;
    return path.ends_with("metadata.creationTimestamp") ||
           std::chrono::abs(*left - *right) < std::chrono::seconds(10);
}

bool same_age(const std::string& a, const std::string& b) {
    static const std::regex age("[0-9]{1,2}s");
    return std::regex_match(a, age) && std::regex_match(b, age);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (std::size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
    return text;
}

// Sentences about revisions give them as numbers.
std::string without_revisions(const std::string& text) {
    static const std::regex numbers("[0-9]+");
    const bool about = text.contains("resource version") || text.contains("resourceVersion") ||
                       text.contains("ResourceVersion");
    return about ? std::regex_replace(text, numbers, "#") : text;
}

// Objects that are quoted are those of Go there, and the order of findings is that of one walk.
std::string normal_form(const std::string& text) {
    static const std::regex quoted(R"re((Invalid|Duplicate) value: ("?)[{\[].*[}\]]("?): )re");
    std::string normal = std::regex_replace(text, quoted, "$1 value: ...: ");
    constexpr std::string_view kFindings = "strict decoding error: ";
    const std::size_t begin = normal.find(kFindings);
    if (begin == std::string::npos) return normal;
    std::multiset<std::string> findings;
    std::string rest = normal.substr(begin + kFindings.size());
    for (std::size_t end = rest.find(", "); !rest.empty(); end = rest.find(", ")) {
        findings.insert(rest.substr(0, end));
        rest.erase(0, end == std::string::npos ? rest.size() : end + 2);
    }
    normal.resize(begin);
    for (const std::string& finding : findings) normal += finding + "; ";
    return normal;
}

bool same_but_for_own_words(const std::string& a, const std::string& b) {
    // A strategic patch that does not fit its kind is quoted there, and here what it would make.
    const std::size_t quoted = a.find("Invalid value: \"map[");
    if (quoted != std::string::npos) {
        return a.compare(0, quoted, b, 0, b.find("Invalid value: ")) == 0;
    }
    return std::ranges::any_of(kOwnWordsAfter, [&](std::string_view words) {
        const std::size_t end = a.find(words);
        return end != std::string::npos && a.compare(0, end, b, 0, b.find(words)) == 0;
    });
}

// The embedded server reads and writes fewer media types.
std::string without_media_types(const std::string& text) {
    static const std::regex types(
        ", "
        "application/"
        "(json;stream=watch|yaml|vnd\\.kubernetes\\.protobuf(;stream=watch)?|apply-patch\\S*)"
    );
    return std::regex_replace(text, types, "");
}

// Lists of what a server has; the real one has more.
bool is_discovery(const Question& question) {
    const std::string_view path = question.path();
    const auto depth = std::ranges::count(path, '/');
    return (path.starts_with("/apis") && depth <= 3) || (path.starts_with("/api") && depth <= 2);
}

// Long documents, or about the program itself.
bool is_not_compared(const Question& question) {
    return question.target.starts_with("/openapi/") || question.target == "/version";
}

std::string name_of(const Value& entry) {
    std::string text;
    for (const char* key : {"name", "resource", "subresource", "version", "groupVersion"}) {
        text.append(entry.text_at({key})) += '|';
    }
    return text.append(entry.text_at({"metadata", "name"}));
}

std::string all_of(const Answer& answer, std::string_view header) {
    std::multiset<std::string> values;
    for (const auto& [name, value] : answer.headers) {
        if (name == header) values.insert(value);
    }
    return fmt::format("{}", fmt::join(values, "; "));
}

std::string shown(const Value* value) {
    return value == nullptr ? "(nothing)" : value->dump();
}

}  // namespace

Question Comparison::translated(Question question) const {
    for (const auto& [real, embedded] : tokens_) {
        question.if_none_match = replaced(std::move(question.if_none_match), real, embedded);
        question.target = replaced(std::move(question.target), real, embedded);
        question.body = replaced(std::move(question.body), real, embedded);
    }
    std::string target(question.path());
    char separator = '?';
    for (auto& [key, value] : question.query()) {
        const auto known = revisions_.find(value);
        const bool revision = key == "resourceVersion" && known != revisions_.end();
        target += separator + key + "=" + (revision ? known->second : value);
        separator = '&';
    }
    question.target = std::move(target);
    if (question.body.contains("resourceVersion")) {
        if (auto body = Value::parse(question.body)) {
            translate_revisions(*body);
            question.body = body->dump();
        }
    }
    return question;
}

void Comparison::translate_revisions(Value& value) const {
    if (value.is_array()) {
        for (Value& element : value.array()) translate_revisions(element);
    }
    if (!value.is_object()) return;
    for (json::Member& member : value.object()) {
        translate_revisions(member.value);
        if (member.key != "resourceVersion") continue;
        const auto known = revisions_.find(std::string(member.value.string().value_or("")));
        if (known != revisions_.end()) member.value = Value::of(known->second);
    }
}

std::vector<std::string> Comparison::differences(
    const Question& question, const Answer& real, const Answer& embedded
) {
    found_.clear();
    real_has_more_ = is_discovery(question);
    if (is_not_compared(question)) return {};
    if (real.code != embedded.code) {
        differ("(code)", std::to_string(real.code), std::to_string(embedded.code));
    }
    if (real.content_type != embedded.content_type) {
        differ("(content type)", real.content_type, embedded.content_type);
    }
    for (const char* name : {"Warning", "Retry-After"}) {
        if (all_of(real, name) != all_of(embedded, name)) {
            differ(name, all_of(real, name), all_of(embedded, name));
        }
    }
    if (!real.header("ETag").empty()) tokens_[real.header("ETag")] = embedded.header("ETag");
    if (real.header("ETag").empty() != embedded.header("ETag").empty()) {
        differ("ETag", real.header("ETag"), embedded.header("ETag"));
    }
    if (real.body.is_null() || embedded.body.is_null()) {
        if (real.text != embedded.text) differ("(text)", real.text, embedded.text);
    } else {
        compare("", &real.body, &embedded.body);
    }
    return std::exchange(found_, {});
}

std::vector<std::string> Comparison::differences(const Value& real, const Value& embedded) {
    found_.clear();
    real_has_more_ = false;
    compare("", &real, &embedded);
    return std::exchange(found_, {});
}

void Comparison::compare(std::string_view path, const Value* real, const Value* embedded) {
    if (is_intended(path) || (real_has_more_ && embedded == nullptr)) return;
    if (!same_release_ && is_words(path)) return;
    const std::string here(path);
    if (real == nullptr || embedded == nullptr) {
        return differ(path, shown(real), shown(embedded));
    }
    if (real->is_object() && embedded->is_object()) {
        return compare_objects(here, *real, *embedded);
    }
    if (real->is_array() && embedded->is_array() && real_has_more_ && !real->empty() &&
        real->array()[0].is_object()) {
        return compare_named(here, real->array(), embedded->array());
    }
    if (real->is_array() && embedded->is_array() && real->size() == embedded->size()) {
        for (std::size_t i = 0; i < real->size(); ++i) {
            compare(here + "[]", &real->array()[i], &embedded->array()[i]);
        }
        return;
    }
    if (real->is_string() && embedded->is_string()) {
        return compare_texts(here, real->as_string(), embedded->as_string());
    }
    if (*real != *embedded) differ(path, shown(real), shown(embedded));
}

void Comparison::compare_named(
    const std::string& path, const json::Array& real, const json::Array& embedded
) {
    for (const Value& entry : embedded) {
        const auto same = std::ranges::find(real, name_of(entry), name_of);
        compare(path + "[]", same == real.end() ? nullptr : &*same, &entry);
    }
}

void Comparison::compare_objects(
    const std::string& path, const Value& real, const Value& embedded
) {
    if (real.find("generateName") != nullptr) {
        tokens_[std::string(real.text_at({"name"}))] = embedded.text_at({"name"});
    }
    std::set<std::string> keys;
    for (const Value* object : {&real, &embedded}) {
        for (const json::Member& member : object->object()) keys.insert(member.key);
    }
    for (const std::string& key : keys) {
        compare(path.empty() ? key : path + "." + key, real.find(key), embedded.find(key));
    }
}

void Comparison::compare_texts(
    const std::string& path, const std::string& real, const std::string& embedded
) {
    if (path.ends_with(".resourceVersion") && is_revision(real) && is_revision(embedded)) {
        revisions_[real] = embedded;
        return;
    }
    if (path.ends_with(".uid") && real.size() == 36 && embedded.size() == 36) {
        tokens_[real] = embedded;
        return;
    }
    if (path.ends_with(".continue") && !real.empty() && !embedded.empty()) {
        tokens_[real] = embedded;
        return;
    }
    const std::string ours = in_real_words(embedded);
    if (real == ours || same_time(path, real, ours) || same_age(real, ours) ||
        without_revisions(real) == without_revisions(ours) || same_but_for_own_words(real, ours) ||
        without_media_types(real) == without_media_types(ours)) {
        return;
    }
    if (normal_form(real) == normal_form(ours)) return;
    differ(path, "\"" + real + "\"", "\"" + ours + "\"");
}

std::string Comparison::in_real_words(std::string text) const {
    for (const auto& [real, embedded] : tokens_) {
        text = replaced(std::move(text), embedded, real);
    }
    return text;
}

void Comparison::differ(
    std::string_view path, const std::string& real, const std::string& embedded
) {
    found_.push_back(fmt::format("{}\n    real:     {}\n    embedded: {}", path, real, embedded));
}

}  // namespace farhold::api_behaviour
