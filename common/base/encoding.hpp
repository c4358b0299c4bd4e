// SPDX-License-Identifier: Apache-2.0
//
// Pure: text forms of bytes.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <string_view>

namespace farhold {

std::string hex_encode(std::string_view bytes);
Result<std::string> hex_decode(std::string_view text);

// RFC 4648 with padding; decoding also accepts missing padding, refuses anything else.
std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

// RFC 4648 section 5, without padding.
std::string base64url_encode(std::string_view bytes);
Result<std::string> base64url_decode(std::string_view text);

// RFC 3986 percent decoding; '+' is a space when `form` is set, as in query strings.
Result<std::string> percent_decode(std::string_view text, bool form);
std::string percent_encode(std::string_view text);

}  // namespace farhold
