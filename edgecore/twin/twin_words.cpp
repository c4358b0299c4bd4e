// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/twin_words.hpp"

#include <algorithm>
#include <cstddef>

namespace farhold::twin {

namespace {

constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kTextBytesMax = 512;

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.,:/@#").contains(c);
}

}  // namespace

bool is_twin_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, is_plain);
}

bool is_twin_text(std::string_view value) {
    return value.size() <= kTextBytesMax && std::ranges::all_of(value, is_plain);
}

}  // namespace farhold::twin
