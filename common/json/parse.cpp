// SPDX-License-Identifier: Apache-2.0
//
// RapidJSON reads, a handler builds our tree. The values under construction stand on one stack, so
// each array and object is allocated once, at its final size.
#include "common/base/utf8.hpp"
#include "common/json/value.hpp"

#include <fmt/format.h>
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace farhold::json {
namespace {

// Up to here pairs are compared; above, keys are sorted (a hostile object may have many members).
constexpr std::size_t kFewMembers = 12;

// Positions of members whose key stands again further on.
std::vector<std::size_t> superseded_members(const Object& members) {
    std::vector<std::size_t> superseded;
    if (members.size() <= kFewMembers) {
        for (std::size_t i = 0; i + 1 < members.size(); ++i) {
            const auto later = members.begin() + static_cast<std::ptrdiff_t>(i) + 1;
            if (std::ranges::find(later, members.end(), members[i].key, &Member::key) !=
                members.end()) {
                superseded.push_back(i);
            }
        }
        return superseded;
    }
    std::vector<std::size_t> order(members.size());
    std::ranges::generate(order, [next = std::size_t{0}]() mutable { return next++; });
    std::ranges::stable_sort(order, {}, [&](std::size_t i) -> const std::string& {
        return members[i].key;
    });
    for (std::size_t i = 0; i + 1 < order.size(); ++i) {
        if (members[order[i]].key == members[order[i + 1]].key) {
            superseded.push_back(order[i]);
        }
    }
    std::ranges::sort(superseded);
    return superseded;
}

class TreeBuilder {
public:
    TreeBuilder(const ParseLimits& limits, std::vector<std::string>* duplicates)
        : limits_(limits), duplicates_(duplicates) {
        stack_.reserve(kUsualBreadth);
        keys_.reserve(kUsualBreadth);
    }

    bool Null() { return push({}); }
    bool Bool(bool value) { return push(Value::of(value)); }
    bool RawNumber(const char* text, rapidjson::SizeType length, bool /*copy*/) {
        return push(Value::of_number_text(std::string(text, length)));
    }
    bool String(const char* text, rapidjson::SizeType length, bool /*copy*/) {
        return push(Value::of(text_of({text, length})));
    }
    bool Key(const char* text, rapidjson::SizeType length, bool /*copy*/) {
        keys_.push_back(text_of({text, length}));
        return true;
    }
    bool StartObject() { return open(true); }
    bool StartArray() { return open(false); }

    bool EndObject(rapidjson::SizeType count) {
        if (count > limits_.members) {
            exceeded_ = fmt::format("an object of {} members", count);
            return false;
        }
        Value result = Value::make_object();
        Object& members = result.object();
        members.reserve(count);
        const std::size_t values = stack_.size() - count;
        const std::size_t keys = keys_.size() - count;
        for (std::size_t i = 0; i < count; ++i) {
            members.push_back({std::move(keys_[keys + i]), std::move(stack_[values + i])});
        }
        stack_.resize(values);
        keys_.resize(keys);
        open_.pop_back();
        drop_duplicates(members);
        return push(std::move(result));
    }

    bool EndArray(rapidjson::SizeType count) {
        Value result = Value::make_array();
        const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
        result.array().assign(
            std::make_move_iterator(first), std::make_move_iterator(stack_.end())
        );
        stack_.erase(first, stack_.end());
        open_.pop_back();
        return push(std::move(result));
    }

    // With kParseNumbersAsStringsFlag the reader never calls these.
    bool Int(int value) { return push(Value::of(value)); }
    bool Uint(unsigned value) { return push(Value::of(value)); }
    bool Int64(std::int64_t value) { return push(Value::of(value)); }
    bool Uint64(std::uint64_t value) { return push(Value::of(value)); }
    bool Double(double value) { return push(Value::of(value)); }

    // What was more than the limits allow; empty when nothing was.
    const std::string& exceeded() const { return exceeded_; }
    Value take_root() { return std::move(stack_.front()); }

private:
    struct Open {
        bool is_object;
        std::size_t first_value;  // Where its elements begin on the stack.
    };

    // RapidJSON takes the second half of a surrogate pair alone, which is no character.
    static std::string text_of(std::string_view text) {
        constexpr char kFirstByteOfSurrogates = '\xed';
        return text.contains(kFirstByteOfSurrogates) ? to_utf8(text) : std::string(text);
    }

    bool push(Value value) {
        stack_.push_back(std::move(value));
        return true;
    }

    bool open(bool is_object) {
        open_.push_back({is_object, stack_.size()});
        if (open_.size() > limits_.depth) {
            exceeded_ = fmt::format("more than {} levels", limits_.depth);
        }
        return exceeded_.empty();
    }

    void drop_duplicates(Object& members) {
        const auto superseded = superseded_members(members);
        for (const std::size_t i : superseded) {
            if (duplicates_ != nullptr) {
                report_duplicate(members[i].key);
            }
        }
        if (superseded.empty()) {
            return;
        }
        Object kept;
        kept.reserve(members.size() - superseded.size());
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (!std::ranges::binary_search(superseded, i)) {
                kept.push_back(std::move(members[i]));
            }
        }
        members = std::move(kept);
    }

    // The path of the object that has just ended, and the key in it.
    void report_duplicate(const std::string& key) {
        std::string path;
        std::size_t next_key = 0;
        for (std::size_t i = 0; i < open_.size(); ++i) {
            const std::size_t end = i + 1 < open_.size() ? open_[i + 1].first_value : stack_.size();
            const std::size_t index = end - open_[i].first_value;
            if (open_[i].is_object) {
                path += (path.empty() ? "" : ".") + keys_[next_key + index];
                next_key += index + 1;
            } else {
                path += fmt::format("[{}]", index);
            }
        }
        path += (path.empty() ? "" : ".") + key;
        if (std::ranges::find(*duplicates_, path) == duplicates_->end() &&
            duplicates_->size() < kMaxReported) {
            duplicates_->push_back(std::move(path));
        }
    }

    static constexpr std::size_t kMaxReported = 100;
    static constexpr std::size_t kUsualBreadth = 64;

    const ParseLimits& limits_;
    std::vector<std::string>* duplicates_;
    std::vector<Value> stack_;
    std::vector<std::string> keys_;
    std::vector<Open> open_;
    std::string exceeded_;
};

}  // namespace

Result<Value> Value::parse(
    std::string_view text, const ParseLimits& limits, std::vector<std::string>* duplicates
) {
    if (text.size() > limits.bytes) {
        return fail(
            ErrorCode::resource_exhausted,
            fmt::format("JSON of {} bytes, the limit is {}", text.size(), limits.bytes)
        );
    }
    rapidjson::MemoryStream bytes(text.data(), text.size());
    rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
    rapidjson::Reader reader;
    TreeBuilder builder(limits, duplicates);
    constexpr unsigned kFlags =
        rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag;
    const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
    if (!builder.exceeded().empty()) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("JSON with {} at offset {}", builder.exceeded(), result.Offset())
        );
    }
    if (result.IsError()) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format(
                "{} At offset {}.", rapidjson::GetParseError_En(result.Code()), result.Offset()
            )
        );
    }
    // RapidJSON takes a zero byte for the end of the text.
    if (stream.Tell() < text.size()) {
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("JSON followed by a zero byte at offset {}", stream.Tell())
        );
    }
    return builder.take_root();
}

}  // namespace farhold::json
