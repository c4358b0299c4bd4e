// SPDX-License-Identifier: Apache-2.0
//
// After k8s.io/apimachinery/pkg/util/strategicpatch, the side that applies a patch. The order of a
// merged list follows the patch, then the list as it was.
#include "common/object/patch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace farhold::object {
namespace {

using json::Array;
using json::Member;
using json::Value;

constexpr std::string_view kPatch = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kDeleteFromList = "$deleteFromPrimitiveList/";
constexpr std::string_view kElementOrder = "$setElementOrder/";

// Below fields without rules, and for values that the table does not know.
class NoRules final : public PatchSchema {
public:
    PatchField patch_field(std::string_view /*name*/) const override { return {}; }
};
const NoRules kNoRules;

const PatchSchema& rules_of(const PatchField& field) {
    return field.schema != nullptr ? *field.schema : kNoRules;
}

std::unexpected<Error> misfit(std::string_view field, std::string_view expected) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("patch of field \"{}\": expected {}", field, expected)
    );
}

// As Go prints a map: "map[a:[x y] b:map[]]".
std::string go_text(const Value& value) {
    std::vector<std::string> parts;
    if (value.is_array()) {
        for (const Value& element : value.array()) parts.push_back(go_text(element));
        return fmt::format("[{}]", fmt::join(parts, " "));
    }
    if (value.is_object()) {
        for (const Member& member : value.object()) {
            parts.push_back(fmt::format("{}:{}", member.key, go_text(member.value)));
        }
        std::ranges::sort(parts);
        return fmt::format("map[{}]", fmt::join(parts, " "));
    }
    if (value.is_null()) {
        return "<nil>";
    }
    return value.is_string() ? value.as_string() : value.dump();
}

std::unexpected<Error> bad_directive(std::string_view type, const Value& where) {
    return fail(
        ErrorCode::internal, fmt::format("unknown patch type: {} in map: {}", type, go_text(where))
    );
}

bool is_directive(std::string_view key) {
    return key == kPatch || key == kRetainKeys || key.starts_with(kDeleteFromList) ||
           key.starts_with(kElementOrder);
}

// What a patch adds where nothing was: without nulls, directives and elements to delete.
Value plain(const Value& patch) {
    if (patch.is_array()) {
        Value result = Value::make_array();
        for (const Value& element : patch.array()) {
            if (element.find(kPatch) == nullptr) {
                result.push_back(plain(element));
            }
        }
        return result;
    }
    if (!patch.is_object()) {
        return patch;
    }
    Value result = Value::make_object();
    for (const Member& member : patch.object()) {
        if (!member.value.is_null() && !is_directive(member.key)) {
            result.set(member.key, plain(member.value));
        }
    }
    return result;
}

// Elements are the same by their merge key, or as a whole when they are scalars.
class ListIdentity {
public:
    explicit ListIdentity(std::string_view merge_key) : merge_key_(merge_key) {}

    const Value* key_of(const Value& element) const {
        return merge_key_.empty() ? &element : element.find(merge_key_);
    }

    std::optional<std::size_t> find(const Array& list, const Value& element) const {
        const Value* key = key_of(element);
        const auto found = std::ranges::find_if(list, [&](const Value& other) {
            const Value* other_key = key_of(other);
            return key != nullptr && other_key != nullptr && *key == *other_key;
        });
        return found != list.end() ? std::optional<std::size_t>(found - list.begin())
                                   : std::nullopt;
    }

private:
    std::string_view merge_key_;
};

// By the place of each element in `order`; those it lacks come last, as they stood.
Array sorted_like(Array list, const Array& order, const ListIdentity& identity) {
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t i = 0; i < list.size(); ++i) {
        places.emplace_back(identity.find(order, list[i]).value_or(order.size()), i);
    }
    std::ranges::sort(places);
    Array result;
    result.reserve(list.size());
    for (const auto& [place, i] : places) {
        result.push_back(std::move(list[i]));
    }
    return result;
}

// Puts `merged` in order: elements named in `wanted` follow it, the others keep their place
// relative to them as in `before`. An element that `before` lacks comes ahead of the others.
Array in_order(
    Array merged, const Array& wanted, const Array& before, const ListIdentity& identity
) {
    Array named;
    Array others;
    for (Value& element : merged) {
        (identity.find(wanted, element) ? named : others).push_back(std::move(element));
    }
    named = sorted_like(std::move(named), wanted, identity);
    others = sorted_like(std::move(others), before, identity);
    Array result;
    result.reserve(merged.size());
    auto next_named = named.begin();
    for (Value& other : others) {
        const auto other_rank = identity.find(before, other);
        const auto goes_first = [&] {
            const auto rank = identity.find(before, *next_named);
            return !rank || !other_rank || *rank < *other_rank;
        };
        while (next_named != named.end() && goes_first()) {
            result.push_back(std::move(*next_named++));
        }
        result.push_back(std::move(other));
    }
    std::move(next_named, named.end(), std::back_inserter(result));
    return result;
}

Result<void> merge_object(Value& target, const Value& patch, const PatchSchema& schema);

Result<void> merge_list_element(
    Array& list, const Value& element, const PatchField& field, const ListIdentity& identity
) {
    if (!element.is_object()) {
        return misfit(field.merge_key, "a list of objects");
    }
    if (identity.key_of(element) == nullptr) {
        return fail(
            ErrorCode::internal,
            fmt::format(
                "map: {} does not contain declared merge key: {}", go_text(element), field.merge_key
            )
        );
    }
    if (const Value* directive = element.find(kPatch)) {
        if (directive->string() != "delete") {
            return bad_directive(directive->string().value_or(""), element);
        }
        while (const auto index = identity.find(list, element)) {
            list.erase(list.begin() + static_cast<std::ptrdiff_t>(*index));
        }
        return {};
    }
    if (const auto index = identity.find(list, element)) {
        return merge_object(list[*index], element, rules_of(field));
    }
    list.push_back(plain(element));
    return {};
}

bool is_replace_marker(const Value& element) {
    return element.text_at({kPatch}) == "replace";
}

Result<void> merge_list(Value& target, const Value& patch, const PatchField& field) {
    const Array before = target.array();
    const ListIdentity identity(field.merge_key);
    if (std::ranges::any_of(patch.array(), is_replace_marker)) {
        target = plain(patch);
        return {};
    }
    for (const Value& element : patch.array()) {
        if (!field.merge_key.empty()) {
            auto merged = merge_list_element(target.array(), element, field, identity);
            if (!merged) {
                return merged;
            }
        } else if (!identity.find(target.array(), element)) {
            target.push_back(element);
        }
    }
    target.array() = in_order(std::move(target.array()), patch.array(), before, identity);
    return {};
}

Result<void> merge_member(Value& target, const Member& patch, const PatchSchema& schema) {
    if (patch.value.is_null()) {
        target.erase(patch.key);
        return {};
    }
    Value* current = target.find(patch.key);
    const PatchField field = schema.patch_field(patch.key);
    if (current != nullptr && current->is_object() && patch.value.is_object()) {
        return merge_object(*current, patch.value, rules_of(field));
    }
    if (current != nullptr && current->is_array() && patch.value.is_array() && field.merge) {
        return merge_list(*current, patch.value, field);
    }
    target.set(patch.key, plain(patch.value));
    return {};
}

void retain_keys(Value& target, const Array& keys) {
    std::erase_if(target.object(), [&](const Member& member) {
        return std::ranges::none_of(keys, [&](const Value& key) {
            return key.string() == member.key;
        });
    });
}

void delete_from_list(Value& target, std::string_view field, const Array& doomed) {
    Value* list = target.find(field);
    if (list != nullptr && list->is_array()) {
        std::erase_if(list->array(), [&](const Value& element) {
            return std::ranges::find(doomed, element) != doomed.end();
        });
    }
}

// Merges the list that a $setElementOrder speaks of, then puts it in that order.
Result<void> merge_ordered(
    Value& target, const Value& patch, const Member& order, const PatchSchema& schema
) {
    const std::string name = order.key.substr(kElementOrder.size());
    const PatchField field = schema.patch_field(name);
    const Value* current = target.find(name);
    const Array before = current != nullptr && current->is_array() ? current->array() : Array{};
    if (const Value* elements = patch.find(name)) {
        auto merged = merge_member(target, {name, *elements}, schema);
        if (!merged) {
            return merged;
        }
    }
    if (Value* list = target.find(name); list != nullptr && list->is_array() && field.merge) {
        list->array() = in_order(
            std::move(list->array()), order.value.array(), before, ListIdentity(field.merge_key)
        );
    }
    return {};
}

// The directives that stand beside the fields. $setElementOrder includes the merge of its field.
Result<void> apply_directives(Value& target, const Value& patch, const PatchSchema& schema) {
    for (const Member& member : patch.object()) {
        if (!is_directive(member.key) || member.key == kPatch) {
            continue;
        }
        if (!member.value.is_array()) {
            return misfit(member.key, "a list");
        }
        if (member.key == kRetainKeys) {
            retain_keys(target, member.value.array());
        } else if (member.key.starts_with(kDeleteFromList)) {
            delete_from_list(
                target, std::string_view(member.key).substr(kDeleteFromList.size()),
                member.value.array()
            );
        } else if (auto merged = merge_ordered(target, patch, member, schema); !merged) {
            return merged;
        }
    }
    return {};
}

Result<void> merge_object(Value& target, const Value& patch, const PatchSchema& schema) {
    if (const Value* directive = patch.find(kPatch)) {
        const std::string_view type = directive->string().value_or("");
        if (type == "replace" || type == "delete") {
            target = type == "replace" ? plain(patch) : Value::make_object();
            return {};
        }
        if (type != "merge") {
            return bad_directive(type, patch);
        }
    }
    if (auto directed = apply_directives(target, patch, schema); !directed) {
        return directed;
    }
    for (const Member& member : patch.object()) {
        const bool merged = patch.find(std::string(kElementOrder) + member.key) != nullptr;
        if (is_directive(member.key) || merged) {
            continue;
        }
        if (auto applied = merge_member(target, member, schema); !applied) {
            return applied;
        }
    }
    return {};
}

}  // namespace

Result<void> strategic_merge_patch(
    json::Value& target, const json::Value& patch, const PatchSchema& schema
) {
    if (!patch.is_object() || !target.is_object()) {
        return fail(ErrorCode::invalid_argument, "a strategic merge patch is an object");
    }
    return merge_object(target, patch, schema);
}

}  // namespace farhold::object
