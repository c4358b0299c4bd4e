// SPDX-License-Identifier: Apache-2.0
//
// Pure: resource quantities ("500m", "1Gi", "1e3") with Kubernetes' precision (10^-9) and limit
// (2^63-1), and its canonical text, so that 1000m is written as 1 and 1024Mi as 1Gi.
#pragma once

#include "common/base/error.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::object {

class Quantity {
public:
    enum class Format : std::uint8_t { decimal_si, binary_si, decimal_exponent };

    Quantity() = default;
    static Result<Quantity> parse(std::string_view text);
    static Quantity of(std::int64_t value, Format format = Format::decimal_si);

    std::string canonical() const;
    // Rounded up, as the scheduler and the runtime want whole units.
    std::int64_t value() const;
    std::int64_t milli_value() const;
    bool is_negative() const { return nanos_ < 0; }

    Quantity operator+(const Quantity& other) const;
    Quantity operator-(const Quantity& other) const;
    // The notation does not matter: 1 == 1000m.
    bool operator==(const Quantity& other) const { return nanos_ == other.nanos_; }
    std::strong_ordering operator<=>(const Quantity& other) const {
        return nanos_ <=> other.nanos_;
    }

private:
    __extension__ using Nanos = __int128;

    Nanos nanos_ = 0;
    Format format_ = Format::decimal_si;
};

}  // namespace farhold::object
