// SPDX-License-Identifier: Apache-2.0
//
// Pure: text from outside may be any bytes; what we write is UTF-8 in any case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace farhold {

// U+FFFD, which stands for what is no text.
inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// The bytes of the character that the text begins with, 1 to 4; 0 when it is empty or begins with
// none: a stray or missing byte, an overlong form, a surrogate, or what is beyond U+10FFFF.
std::size_t utf8_length(std::string_view text);

// The text with U+FFFD in place of each byte that belongs to no character.
std::string to_utf8(std::string_view text);

}  // namespace farhold
