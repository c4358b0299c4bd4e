// SPDX-License-Identifier: Apache-2.0
#include "rule_use.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>
#include <utility>

namespace farhold::test {

namespace {

using json::Value;

// The strings of a list; one empty string when there is none.
std::vector<std::string> words(const Value& rule, std::string_view member) {
    std::vector<std::string> found;
    for (const Value& word : rule.elements_at({member})) found.push_back(word.as_string());
    if (found.empty()) found.emplace_back();
    return found;
}

bool allows(const Access& granted, const Access& asked) {
    return granted.verb == asked.verb && granted.group == asked.group &&
           granted.resource == asked.resource && (granted.ns.empty() || granted.ns == asked.ns) &&
           (granted.name.empty() || granted.name == asked.name);
}

Access read_access(const Value& event) {
    Access asked;
    asked.verb = event.text_at({"verb"});
    asked.group = event.text_at({"objectRef", "apiGroup"});
    asked.resource = event.text_at({"objectRef", "resource"});
    const std::string_view subresource = event.text_at({"objectRef", "subresource"});
    if (!subresource.empty()) asked.resource.append("/").append(subresource);
    asked.ns = event.text_at({"objectRef", "namespace"});
    asked.name = event.text_at({"objectRef", "name"});
    return asked;
}

}  // namespace

std::string Access::text() const {
    std::string text = verb + " " + resource;
    if (!group.empty()) text += "." + group;
    if (!name.empty()) text += " " + name;
    if (!ns.empty()) text += " in " + ns;
    return text;
}

std::vector<Access> accesses_of(const Value& role) {
    std::vector<Access> all;
    const std::string ns(role.text_at({"metadata", "namespace"}));
    for (const Value& rule : role.elements_at({"rules"})) {
        for (const auto& group : words(rule, "apiGroups")) {
            for (const auto& resource : words(rule, "resources")) {
                for (const auto& verb : words(rule, "verbs")) {
                    for (const auto& name : words(rule, "resourceNames")) {
                        all.push_back({verb, group, resource, ns, name});
                    }
                }
            }
        }
    }
    return all;
}

Result<RuleUse> compare_use(
    const std::vector<Access>& granted, std::string_view audit, std::string_view user
) {
    RuleUse use;
    std::set<std::string> denied;
    std::set<Access> used;
    for (const auto part : std::views::split(audit, '\n')) {
        const std::string_view line(part);
        if (line.empty()) continue;
        const auto event = Value::parse(line);
        if (!event) return fail(ErrorCode::invalid_argument, "audit: " + event.error().message());
        if (event->text_at({"user", "username"}) != user) continue;
        ++use.requests;
        const Access asked = read_access(*event);
        if (event->text_at({"annotations", "authorization.k8s.io/decision"}) != "allow") {
            const std::string_view uri = event->text_at({"requestURI"});
            denied.insert(
                asked.resource.empty() ? fmt::format("{} {}", asked.verb, uri) : asked.text()
            );
            continue;
        }
        std::ranges::copy_if(granted, std::inserter(used, used.end()), [&](const Access& one) {
            return allows(one, asked);
        });
    }
    use.denied.assign(denied.begin(), denied.end());
    for (const Access& one : granted) {
        if (!used.contains(one)) use.unused.push_back(one.text());
    }
    return use;
}

}  // namespace farhold::test
