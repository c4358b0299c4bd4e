// SPDX-License-Identifier: Apache-2.0
//
// Text from outside in a log line: it stays one line of valid UTF-8 that moves no cursor, whatever
// the form, and in JSON it is a document with these values.
#include "common/base/ensure.hpp"
#include "common/json/value.hpp"
#include "common/log/log.hpp"
#include "tests/support/fuzz_input.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace farhold;

namespace {

bool is_printable(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(line[i]);
        const auto next = i + 1 < line.size() ? static_cast<std::uint8_t>(line[i + 1]) : 0;
        // C0, DEL, and C1 as UTF-8.
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next < 0xa0)) {
            return false;
        }
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const std::string_view value = in.text();
    const std::string_view error = in.rest();
    const std::vector<log::Field> identity{{"node", value}};
    for (const log::Format format : {log::Format::text, log::Format::json}) {
        const std::string line = log::format_line(
            format, "2026-01-02T03:04:05.000Z", log::Level::warning, "link lost", identity,
            {{"error", error}, {"seq", 7}}
        );
        ensure(is_printable(line), "no control characters");
        if (format == log::Format::json) {
            const auto document = json::Value::parse(line);
            ensure(document && document->text_at({"msg"}) == "link lost", "a JSON document");
            ensure(document->find("error") != nullptr && document->size() == 6, "all its fields");
        } else {
            std::string plain = line;
            for (char& c : plain) {
                c = c == '"' || c == '\\' ? ' ' : c;
            }
            ensure(json::Value::parse('"' + plain + '"').has_value(), "valid UTF-8");
        }
    }
    return 0;
}
