// SPDX-License-Identifier: Apache-2.0
//
// After k8s.io/apimachinery/pkg/api/resource: the grammar, the rounding (up, away from zero) and
// the canonical form are its; the number itself is simply an integer of 10^-9.
#include "common/object/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace farhold::object {
namespace {

__extension__ using Wide = __int128;

constexpr Wide kNanosPerUnit = 1'000'000'000;
constexpr Wide kMaxNanos = Wide{std::numeric_limits<std::int64_t>::max()} * kNanosPerUnit;
constexpr std::array<std::string_view, 10> kDecimalSuffixes = {"n", "u", "m", "",  "k",
                                                               "M", "G", "T", "P", "E"};
constexpr std::array<std::string_view, 7> kBinarySuffixes = {"",   "Ki", "Mi", "Gi",
                                                             "Ti", "Pi", "Ei"};

constexpr std::string_view kGrammar =
    "quantities must match the regular expression "
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

struct Suffix {
    Quantity::Format format;
    int base;
    int exponent;
};

std::optional<Suffix> parse_suffix(std::string_view text) {
    using enum Quantity::Format;
    for (std::size_t i = 0; i < kDecimalSuffixes.size(); ++i) {
        if (text == kDecimalSuffixes[i]) {
            return Suffix{decimal_si, 10, static_cast<int>(i) * 3 - 9};
        }
    }
    for (std::size_t i = 1; i < kBinarySuffixes.size(); ++i) {
        if (text == kBinarySuffixes[i]) {
            return Suffix{binary_si, 2, static_cast<int>(i) * 10};
        }
    }
    if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) {
        return std::nullopt;
    }
    std::string_view digits = text.substr(text[1] == '+' ? 2 : 1);
    std::int16_t exponent = 0;
    const auto [rest, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (digits.empty() || error != std::errc{} || rest != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return Suffix{decimal_exponent, 10, exponent};
}

struct Sign {
    bool negative;
    std::size_t length;
};

Sign parse_sign(std::string_view text) {
    const bool minus = text.starts_with('-');
    return {minus, minus || text.starts_with('+') ? std::size_t{1} : std::size_t{0}};
}

// digits * base^exponent / 10^fraction in nanos, rounded up, at most kMaxNanos.
Wide scale(std::string_view digits, int fraction, const Suffix& suffix) {
    int tens = (suffix.base == 10 ? suffix.exponent : 0) - fraction + 9;
    bool rounded = false;
    for (; tens < 0 && !digits.empty(); ++tens) {
        rounded = rounded || digits.back() != '0';
        digits.remove_suffix(1);
    }
    Wide value = 0;
    for (const char c : digits) {
        value = std::min(value * 10 + (c - '0'), kMaxNanos);
    }
    for (int i = 0; i < tens && value > 0 && value < kMaxNanos; ++i) {
        value *= 10;
    }
    for (int i = 0; suffix.base == 2 && i < suffix.exponent && value < kMaxNanos; ++i) {
        value *= 2;
    }
    return std::min(value + (rounded ? 1 : 0), kMaxNanos);
}

Wide round_up(Wide value, Wide unit) {
    const Wide rest = value % unit;
    const Wide whole = value / unit;
    return rest == 0 ? whole : (value > 0 ? whole + 1 : whole - 1);
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
    const auto refuse = [] { return fail(ErrorCode::invalid_argument, std::string(kGrammar)); };
    const Sign sign = parse_sign(text);
    text.remove_prefix(sign.length);
    std::string digits;
    std::optional<std::size_t> point;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        const char c = text[end];
        if (c == '.' && !point) {
            point = digits.size();
        } else if (c >= '0' && c <= '9') {
            digits += c;
        } else {
            break;
        }
    }
    const auto suffix = parse_suffix(text.substr(end));
    // Far more than any number needs; the loops above stay short.
    constexpr std::size_t kMaxDigits = 100;
    if (digits.empty() || digits.size() > kMaxDigits || !suffix) {
        return refuse();
    }
    const auto fraction = static_cast<int>(point ? digits.size() - *point : 0);
    Quantity result;
    result.nanos_ = scale(digits, fraction, *suffix);
    result.format_ = suffix->format;
    if (sign.negative) {
        result.nanos_ = -result.nanos_;
    }
    return result;
}

Quantity Quantity::of(std::int64_t value, Format format) {
    Quantity result;
    result.nanos_ = Nanos{value} * kNanosPerUnit;
    result.format_ = format;
    return result;
}

std::string Quantity::canonical() const {
    const Wide whole = nanos_ / kNanosPerUnit;
    constexpr Wide kKibi = 1024;
    const bool exact = nanos_ % kNanosPerUnit == 0;
    if (format_ == Format::binary_si && exact && (whole >= kKibi || whole <= -kKibi)) {
        Wide mantissa = whole;
        std::size_t suffix = 0;
        while (mantissa % kKibi == 0 && suffix + 1 < kBinarySuffixes.size()) {
            mantissa /= kKibi;
            ++suffix;
        }
        return fmt::to_string(mantissa) + std::string(kBinarySuffixes[suffix]);
    }
    if (nanos_ == 0) {
        return "0";
    }
    Wide mantissa = nanos_;
    std::size_t suffix = 0;
    while (mantissa % 1000 == 0 && suffix + 1 < kDecimalSuffixes.size()) {
        mantissa /= 1000;
        ++suffix;
    }
    if (format_ == Format::decimal_exponent) {
        const int exponent = static_cast<int>(suffix) * 3 - 9;
        return fmt::to_string(mantissa) + (exponent == 0 ? "" : fmt::format("e{}", exponent));
    }
    return fmt::to_string(mantissa) + std::string(kDecimalSuffixes[suffix]);
}

std::int64_t Quantity::value() const {
    return static_cast<std::int64_t>(round_up(nanos_, kNanosPerUnit));
}

std::int64_t Quantity::milli_value() const {
    constexpr Wide kNanosPerMilli = 1'000'000;
    const Wide milli = round_up(nanos_, kNanosPerMilli);
    constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::clamp<Wide>(milli, -kMax, kMax));
}

Quantity Quantity::operator+(const Quantity& other) const {
    Quantity result = *this;
    result.nanos_ = std::clamp<Nanos>(nanos_ + other.nanos_, -kMaxNanos, kMaxNanos);
    // Zero has no notation of its own.
    if (nanos_ == 0) {
        result.format_ = other.format_;
    }
    return result;
}

Quantity Quantity::operator-(const Quantity& other) const {
    Quantity negative = other;
    negative.nanos_ = -other.nanos_;
    return *this + negative;
}

}  // namespace farhold::object
