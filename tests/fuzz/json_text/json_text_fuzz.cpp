// SPDX-License-Identifier: Apache-2.0
//
// A JSON document: what is taken is written so that it reads the same, numbers keep their text, and
// limits are kept. The first byte chooses the limits.
#include "common/base/ensure.hpp"
#include "common/json/value.hpp"
#include "tests/support/fuzz_input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold;
using json::Value;

namespace {

std::size_t depth_of(const Value& value) {
    std::size_t deepest = 0;
    if (value.is_object()) {
        for (const json::Member& member : value.object()) {
            deepest = std::max(deepest, depth_of(member.value));
        }
    } else if (value.is_array()) {
        for (const Value& element : value.array()) {
            deepest = std::max(deepest, depth_of(element));
        }
    } else {
        return 0;
    }
    return deepest + 1;
}

// Every number stands in the text as it does in the document.
void check_numbers(const Value& value, std::string_view text) {
    if (value.is_number()) {
        ensure(text.contains(value.number_text()), "a number keeps its text");
        (void)value.integer();
        (void)value.number();
    } else if (value.is_object()) {
        const json::Object& members = value.object();
        for (std::size_t i = 0; i < members.size(); ++i) {
            ensure(value.find(members[i].key) == &members[i].value, "a key stands once");
            check_numbers(members[i].value, text);
        }
    } else if (value.is_array()) {
        for (const Value& element : value.array()) {
            check_numbers(element, text);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    json::ParseLimits limits;
    if (in.flag()) {
        limits = {.bytes = 200, .depth = 3, .members = 4};
    }
    const std::string_view text = in.rest();
    // Bytes that are no text at all are written as some.
    const auto forced = Value::parse(Value::of(text).dump());
    ensure(forced && forced->is_string(), "every text can be written");

    std::vector<std::string> duplicates;
    const auto value = Value::parse(text, limits, &duplicates);
    if (!value) {
        ensure(!value.error().message().empty(), "a refusal says why");
        return 0;
    }
    ensure(text.size() <= limits.bytes && depth_of(*value) <= limits.depth, "limits are kept");
    check_numbers(*value, text);
    const std::string dump = value->dump();
    const auto again = Value::parse(dump);
    ensure(again && *again == *value && again->dump() == dump, "what was written reads the same");
    const auto pretty = Value::parse(value->dump_pretty());
    ensure(pretty && pretty->dump() == dump, "so does what is written for people");
    ensure(!dump.contains('\n'), "one line");
    return 0;
}
