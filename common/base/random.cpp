// SPDX-License-Identifier: Apache-2.0
#include "common/base/random.hpp"

#include <fmt/format.h>

#include <string_view>

namespace farhold {

Random Random::from_system() {
    std::random_device device;
    return Random((static_cast<std::uint64_t>(device()) << 32U) | device());
}

// std::uniform_int_distribution differs between libraries; a seed must replay everywhere.
std::uint64_t Random::between(std::uint64_t low, std::uint64_t high) {
    const std::uint64_t span = high - low + 1;
    return span == 0 ? engine_() : low + engine_() % span;
}

double Random::unit() {
    return static_cast<double>(engine_() >> 11U) * 0x1.0p-53;
}

std::string Random::uuid() {
    const std::uint64_t high = (engine_() & ~0xf000ULL) | 0x4000ULL;
    const std::uint64_t low = (engine_() & ~(0xc0ULL << 56U)) | (0x80ULL << 56U);
    return fmt::format(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU, high & 0xffffU,
        low >> 48U, low & 0xffffffffffffULL
    );
}

std::string Random::suffix(int length) {
    constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
    std::string text;
    for (int i = 0; i < length; ++i) {
        text.push_back(alphabet[between(0, alphabet.size() - 1)]);
    }
    return text;
}

}  // namespace farhold
