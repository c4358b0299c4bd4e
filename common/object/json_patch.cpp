// SPDX-License-Identifier: Apache-2.0
#include "common/object/patch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace farhold::object {
namespace {

using Pointer = std::vector<std::string>;

// `copy` may double a document with each operation; upstream limits the sum likewise.
constexpr std::size_t kMaxCopiedBytes = std::size_t{3} << 20U;

std::unexpected<Error> unreadable(std::string_view why) {
    return fail(ErrorCode::invalid_argument, fmt::format("error decoding patch: {}", why));
}

std::unexpected<Error> misfit(std::string_view why) {
    return fail(ErrorCode::conflict, std::string(why));
}

// RFC 6901.
Result<Pointer> parse_pointer(std::string_view text) {
    Pointer tokens;
    if (!text.empty() && text.front() != '/') {
        return misfit(fmt::format("path \"{}\" does not begin with '/'", text));
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '/') {
            tokens.emplace_back();
        } else if (text.substr(i, 2) == "~0" || text.substr(i, 2) == "~1") {
            tokens.back() += text[i + 1] == '0' ? '~' : '/';
            ++i;
        } else {
            tokens.back() += text[i];
        }
    }
    return tokens;
}

// The position of an element; `end` itself is allowed where one may be inserted.
std::optional<std::size_t> parse_index(std::string_view token, std::size_t end, bool inserting) {
    if (inserting && token == "-") {
        return end;
    }
    std::size_t index = 0;
    const char* last = token.data() + token.size();
    const auto [rest, error] = std::from_chars(token.data(), last, index);
    const bool leading_zero = token.size() > 1 && token.front() == '0';
    if (token.empty() || error != std::errc{} || rest != last || leading_zero || index > end ||
        (index == end && !inserting)) {
        return std::nullopt;
    }
    return index;
}

json::Value* child(json::Value& parent, std::string_view token) {
    if (parent.is_array()) {
        const auto index = parse_index(token, parent.size(), false);
        return index ? &parent.array()[*index] : nullptr;
    }
    return parent.find(token);
}

json::Value* resolve(json::Value& root, std::span<const std::string> tokens) {
    json::Value* value = &root;
    for (const std::string& token : tokens) {
        value = child(*value, token);
        if (value == nullptr) {
            return nullptr;
        }
    }
    return value;
}

bool nested_deeper_than(const json::Value& value, std::size_t limit) {
    if (limit == 0) {
        return value.is_array() || value.is_object();
    }
    const auto deeper = [&](const json::Value& inner) {
        return nested_deeper_than(inner, limit - 1);
    };
    return (value.is_array() && std::ranges::any_of(value.array(), deeper)) ||
           (value.is_object() && std::ranges::any_of(value.object(), deeper, &json::Member::value));
}

class JsonPatch {
public:
    explicit JsonPatch(json::Value& document) : document_(document) {}

    Result<void> apply(const json::Value& operation) {
        const std::string_view op = operation.text_at({"op"});
        const json::Value* path = operation.find("path");
        if (path == nullptr || !path->is_string()) {
            return misfit(fmt::format("operation \"{}\" has no path", op));
        }
        auto target = parse_pointer(path->as_string());
        if (!target) {
            return fail(std::move(target.error()));
        }
        if (op == "remove") {
            return remove(*target);
        }
        if (op == "copy" || op == "move") {
            return transfer(operation, *target, op == "move");
        }
        // Without a value it is null, upstream.
        const json::Value* given = operation.find("value");
        const json::Value value = given != nullptr ? *given : json::Value();
        if (op == "test") {
            return test(*target, value);
        }
        if (op != "add" && op != "replace") {
            return misfit(fmt::format("unexpected operation \"{}\"", op));
        }
        return op == "add" ? add(*target, value) : replace(*target, value);
    }

private:
    Result<void> add(const Pointer& path, json::Value value) {
        if (path.empty()) {
            document_ = std::move(value);
            return {};
        }
        json::Value* parent = resolve(document_, std::span(path).first(path.size() - 1));
        if (parent != nullptr && parent->is_object()) {
            parent->set(path.back(), std::move(value));
            return {};
        }
        if (parent != nullptr && parent->is_array()) {
            if (const auto index = parse_index(path.back(), parent->size(), true)) {
                auto& elements = parent->array();
                elements.insert(
                    elements.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value)
                );
                return {};
            }
        }
        return misfit("add operation does not apply: the path is missing");
    }

    Result<void> remove(const Pointer& path) {
        if (!path.empty()) {
            json::Value* parent = resolve(document_, std::span(path).first(path.size() - 1));
            if (parent != nullptr && parent->is_array()) {
                if (const auto index = parse_index(path.back(), parent->size(), false)) {
                    auto& elements = parent->array();
                    elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(*index));
                    return {};
                }
            } else if (parent != nullptr && parent->erase(path.back())) {
                return {};
            }
        }
        return misfit("remove operation does not apply: the path is missing");
    }

    Result<void> replace(const Pointer& path, json::Value value) {
        if (json::Value* target = resolve(document_, path)) {
            *target = std::move(value);
            return {};
        }
        const json::Value* parent = resolve(document_, std::span(path).first(path.size() - 1));
        if (parent != nullptr && parent->is_object()) {
            return add(path, std::move(value));
        }
        return misfit("replace operation does not apply: the path is missing");
    }

    Result<void> test(const Pointer& path, const json::Value& value) {
        const json::Value* target = resolve(document_, path);
        const bool equal = target != nullptr ? *target == value : value.is_null();
        return equal ? Result<void>() : misfit("testing value failed");
    }

    Result<void> transfer(const json::Value& operation, const Pointer& target, bool moving) {
        auto from = parse_pointer(operation.text_at({"from"}));
        if (!from) {
            return fail(std::move(from.error()));
        }
        const json::Value* source = resolve(document_, *from);
        // Upstream copies null from a member that is not there.
        const json::Value* parent =
            from->empty() ? nullptr : resolve(document_, std::span(*from).first(from->size() - 1));
        if (source == nullptr && (moving || parent == nullptr || !parent->is_object())) {
            return misfit("the \"from\" path is missing");
        }
        json::Value value = source != nullptr ? *source : json::Value();
        if (moving) {
            if (auto removed = remove(*from); !removed) {
                return removed;
            }
        } else {
            copied_ += value.dump().size();
            if (copied_ > kMaxCopiedBytes) {
                return misfit("the copy operations of the patch copy too much");
            }
        }
        return add(target, std::move(value));
    }

    json::Value& document_;
    std::size_t copied_ = 0;
};

}  // namespace

Result<void> json_patch(json::Value& target, const json::Value& patch) {
    if (!patch.is_array()) {
        return unreadable("a JSON patch is a list of operations");
    }
    if (patch.size() > kMaxJsonPatchOperations) {
        return fail(
            ErrorCode::resource_exhausted,
            fmt::format(
                "The allowed maximum operations in a JSON patch is {}, got {}",
                kMaxJsonPatchOperations, patch.size()
            )
        );
    }
    json::Value document = target;
    JsonPatch machine(document);
    for (const json::Value& operation : patch.array()) {
        if (!operation.is_object()) {
            return unreadable("an operation is an object");
        }
        if (auto applied = machine.apply(operation); !applied) {
            return applied;
        }
    }
    if (nested_deeper_than(document, json::ParseLimits{}.depth)) {
        return misfit("the patched object is nested too deep");
    }
    target = std::move(document);
    return {};
}

}  // namespace farhold::object
