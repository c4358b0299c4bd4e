// SPDX-License-Identifier: Apache-2.0
#include "common/kubecrd/json_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace farhold::kubecrd {

using json::Value;

class JsonPathReader {
public:
    explicit JsonPathReader(std::string_view text) : text_(text), rest_(text) {}

    Result<JsonPath> read() {
        if (!rest_.starts_with('.')) {
            return refused("must begin with \".\"");
        }
        JsonPath path;
        while (!rest_.empty()) {
            std::optional<JsonPath::Step> step = rest_.starts_with('[') ? bracket() : name_step();
            if (!step) {
                return refused("is not a path");
            }
            if (step->kind != JsonPath::StepKind::name || !step->name.empty()) {
                path.steps_.push_back(std::move(*step));
            }
        }
        return path;
    }

private:
    Result<JsonPath> refused(std::string_view why) const {
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" {}", text_, why));
    }

    // Up to the next "." or "[" that no backslash stands before.
    std::string take_name(std::string_view ends) {
        std::string name;
        while (!rest_.empty() && ends.find(rest_.front()) == std::string_view::npos) {
            if (rest_.front() == '\\' && rest_.size() > 1) {
                rest_.remove_prefix(1);
            }
            name += rest_.front();
            rest_.remove_prefix(1);
        }
        return name;
    }

    std::optional<JsonPath::Step> name_step() {
        if (!rest_.starts_with('.')) {
            return std::nullopt;
        }
        rest_.remove_prefix(1);
        JsonPath::Step step;
        step.name = take_name(".[");
        // ".[0]" and "." alone are allowed, ".." is not.
        if (step.name.empty() && rest_.starts_with('.')) {
            return std::nullopt;
        }
        return step;
    }

    std::optional<JsonPath::Step> bracket() {
        rest_.remove_prefix(1);
        JsonPath::Step step;
        if (rest_.starts_with("*]")) {
            rest_.remove_prefix(2);
            step.kind = JsonPath::StepKind::all;
            return step;
        }
        if (rest_.starts_with('?')) {
            return filter();
        }
        if (rest_.starts_with('\'') || rest_.starts_with('"')) {
            const std::optional<std::string> name = quoted();
            if (!name || !take("]")) {
                return std::nullopt;
            }
            step.name = *name;
            return step;
        }
        const std::size_t end = std::min(rest_.find(']'), rest_.size());
        const char* const last = rest_.data() + end;
        const auto [stop, error] = std::from_chars(rest_.data(), last, step.index);
        if (error != std::errc{} || stop != last || end == rest_.size()) {
            return std::nullopt;
        }
        rest_.remove_prefix(end + 1);
        step.kind = JsonPath::StepKind::index;
        return step;
    }

    std::optional<std::string> quoted() {
        const char quote = rest_.front();
        rest_.remove_prefix(1);
        std::string text = take_name(std::string_view(&quote, 1));
        if (rest_.empty()) {
            return std::nullopt;
        }
        rest_.remove_prefix(1);
        return text;
    }

    // ?(@.type=="Ready")]
    std::optional<JsonPath::Step> filter() {
        if (!take("?(@")) {
            return std::nullopt;
        }
        JsonPath::Step step;
        step.kind = JsonPath::StepKind::filter;
        while (rest_.starts_with('.')) {
            rest_.remove_prefix(1);
            step.path.push_back(take_name(".=!)< >"));
        }
        skip_spaces();
        if (take(")]")) {
            step.exists = true;
            return step;
        }
        step.equal = rest_.starts_with("==");
        if (!take("==") && !take("!=")) {
            return std::nullopt;
        }
        skip_spaces();
        if (rest_.starts_with('"') || rest_.starts_with('\'')) {
            const std::optional<std::string> text = quoted();
            if (!text) {
                return std::nullopt;
            }
            step.literal = *text;
        } else {
            step.literal = take_name(") ");
        }
        skip_spaces();
        return take(")]") ? std::optional(step) : std::nullopt;
    }

    void skip_spaces() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    }

    bool take(std::string_view text) {
        if (!rest_.starts_with(text)) {
            return false;
        }
        rest_.remove_prefix(text.size());
        return true;
    }

    std::string_view text_;
    std::string_view rest_;
};

Result<JsonPath> JsonPath::parse(std::string_view text) {
    return JsonPathReader(text).read();
}

bool JsonPath::passes(const Step& filter, const Value& item) {
    const Value* value = &item;
    for (const std::string& name : filter.path) {
        value = value->find(name);
        if (value == nullptr) {
            return false;
        }
    }
    if (filter.exists) {
        return true;
    }
    const std::string text = value->is_string() ? value->as_string() : value->dump();
    return (text == filter.literal) == filter.equal;
}

std::vector<const Value*> JsonPath::find(const Value& object) const {
    std::vector<const Value*> found = {&object};
    for (const Step& step : steps_) {
        std::vector<const Value*> next;
        for (const Value* value : found) {
            if (step.kind == StepKind::name) {
                if (const Value* member = value->find(step.name)) {
                    next.push_back(member);
                }
                continue;
            }
            if (!value->is_array()) {
                continue;
            }
            const json::Array& items = value->array();
            const auto size = static_cast<std::int64_t>(items.size());
            const std::int64_t index = step.index < 0 ? size + step.index : step.index;
            for (std::int64_t i = 0; i < size; ++i) {
                const Value& item = items[static_cast<std::size_t>(i)];
                const bool wanted = step.kind == StepKind::index    ? i == index
                                    : step.kind == StepKind::filter ? passes(step, item)
                                                                    : true;
                if (wanted) {
                    next.push_back(&item);
                }
            }
        }
        found = std::move(next);
    }
    return found;
}

const Value* JsonPath::first(const Value& object) const {
    const std::vector<const Value*> found = find(object);
    return found.empty() ? nullptr : found.front();
}

bool JsonPath::only_names() const {
    return std::ranges::all_of(steps_, [](const Step& step) {
        return step.kind == StepKind::name;
    });
}

std::vector<std::string> JsonPath::names() const {
    std::vector<std::string> names;
    for (const Step& step : steps_) {
        names.push_back(step.name);
    }
    return names;
}

}  // namespace farhold::kubecrd
