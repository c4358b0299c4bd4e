// SPDX-License-Identifier: Apache-2.0
//
// Two documents, a line each, and patches between them. The patch of their difference makes one of
// the other; a document as its own patch changes nothing; what fails leaves everything as it was.
#include "common/base/ensure.hpp"
#include "common/kubeschema/registry.hpp"
#include "common/object/patch.hpp"
#include "tests/support/fuzz_input.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace farhold;
using json::Value;

namespace {

const object::PatchSchema& pod_schema() {
    static const auto type = kubeschema::Registry::built_in().find("", "v1", "pods");
    return *type->message;
}

bool has_null_member(const Value& value) {
    if (!value.is_object()) {
        return false;
    }
    for (const json::Member& member : value.object()) {
        if (member.value.is_null() || has_null_member(member.value)) {
            return true;
        }
    }
    return false;
}

// RFC 7386's patch that makes `to` of `from`; `to` has no null member, which no patch can make.
Value difference(const Value& from, const Value& to) {
    if (!from.is_object() || !to.is_object()) {
        return to;
    }
    Value patch = Value::make_object();
    for (const json::Member& member : from.object()) {
        if (to.find(member.key) == nullptr) {
            patch.set(member.key, {});
        }
    }
    for (const json::Member& member : to.object()) {
        const Value* old = from.find(member.key);
        if (old == nullptr) {
            patch.set(member.key, member.value);
        } else if (*old != member.value) {
            patch.set(member.key, difference(*old, member.value));
        }
    }
    return patch;
}

void check_merge(const Value& from, const Value& to) {
    Value merged = from;
    object::merge_patch(merged, to);
    Value twice = merged;
    object::merge_patch(twice, to);
    ensure(twice == merged, "merging twice is merging once");
    if (!has_null_member(to)) {
        Value made = from;
        object::merge_patch(made, difference(from, to));
        ensure(made == to, "the patch of the difference");
    }
}

void check_json_patch(const Value& document, const Value& patch) {
    Value patched = document;
    if (!object::json_patch(patched, patch)) {
        ensure(patched == document, "a patch that fails changes nothing");
    } else {
        ensure(Value::parse(patched.dump()).has_value(), "what is patched can be read");
    }
    // Replacing everything, guarded by a test of everything.
    Value operations = Value::make_array();
    for (const char* op : {"test", "replace"}) {
        operations.push_back(Value::make_object({
            {"op", Value::of(op)},
            {"path", Value::of("")},
            {"value", op[0] == 't' ? document : patch},
        }));
    }
    Value replaced = document;
    ensure(object::json_patch(replaced, operations).has_value(), "a document equals itself");
    ensure(replaced == patch, "and is replaced");
}

void check_strategic(const Value& document, const Value& patch) {
    Value patched = document;
    (void)object::strategic_merge_patch(patched, patch, pod_schema());
    if (document.is_object()) {
        Value same = document;
        const auto done = object::strategic_merge_patch(same, Value::make_object(), pod_schema());
        ensure(done && same == document, "an empty patch changes nothing");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const auto document = Value::parse(in.line());
    const auto patch = Value::parse(in.rest());
    if (document && patch) {
        check_merge(*document, *patch);
        check_json_patch(*document, *patch);
        check_strategic(*document, *patch);
    }
    return 0;
}
