// SPDX-License-Identifier: Apache-2.0
//
// What a stranger may send to the machines' port before anything is known about him.
#include "cloudcore/enrolment/enrol_request.hpp"
#include "common/base/ensure.hpp"
#include "common/pki/key.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace farhold;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(pki::parse_certificate_request(text));
    if (const auto token = pki::parse_join_token(text)) {
        ensure(pki::to_text(*token) == text, "a token reads as it is written");
    }
    if (const auto request = enrolment::parse_enrol_request(text)) {
        static_cast<void>(pki::parse_certificate_request(request->request_pem));
        const auto node = enrolment::make_node(*request, "edge-1", "key");
        ensure(json::Value::parse(node.dump()).has_value(), "a Node is valid JSON");
    }
    return 0;
}
