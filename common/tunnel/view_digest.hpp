// SPDX-License-Identifier: Apache-2.0
//
// Pure: a fingerprint of a set of objects that is cheap to keep current: the sum, modulo 2^256, of
// one hash an entry. Machine and hub compare 32 bytes instead of their objects. It guards against
// accidents, not against a peer that makes collisions: that peer could simply lie.
#pragma once

#include "common/base/error.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace farhold::tunnel {

class ViewDigest {
public:
    // invalid_argument unless these are 32 bytes.
    static Result<ViewDigest> from_bytes(std::string_view bytes);

    // What is removed must have been added with the same four values.
    void add(
        std::string_view key, std::string_view uid, std::string_view hash, std::uint32_t encoding
    );
    void remove(
        std::string_view key, std::string_view uid, std::string_view hash, std::uint32_t encoding
    );

    // 32 bytes; all zero for the empty set.
    [[nodiscard]] std::string bytes() const;

    bool operator==(const ViewDigest&) const = default;

private:
    std::array<std::uint64_t, 4> sum_{};  // The least significant first.
};

}  // namespace farhold::tunnel
