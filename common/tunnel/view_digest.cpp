// SPDX-License-Identifier: Apache-2.0
#include "common/tunnel/view_digest.hpp"

#include "common/base/sha256.hpp"

#include <cstddef>

namespace farhold::tunnel {
namespace {

using Limbs = std::array<std::uint64_t, 4>;
constexpr std::size_t kDigestBytes = 32;

Limbs to_limbs(std::string_view bytes) {
    Limbs limbs{};
    for (std::size_t i = 0; i < kDigestBytes; ++i) {
        const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i]));
        limbs[i / 8] |= byte << (8U * (i % 8));
    }
    return limbs;
}

Limbs entry_hash(
    std::string_view key, std::string_view uid, std::string_view hash, std::uint32_t encoding
) {
    return to_limbs(sha256_of({key, uid, hash, std::to_string(encoding)}));
}

}  // namespace

Result<ViewDigest> ViewDigest::from_bytes(std::string_view bytes) {
    if (bytes.size() != kDigestBytes) {
        return fail(ErrorCode::invalid_argument, "view digest of another length");
    }
    ViewDigest digest;
    digest.sum_ = to_limbs(bytes);
    return digest;
}

void ViewDigest::add(
    std::string_view key, std::string_view uid, std::string_view hash, std::uint32_t encoding
) {
    const Limbs other = entry_hash(key, uid, hash, encoding);
    bool carry = false;
    for (std::size_t i = 0; i < sum_.size(); ++i) {
        const std::uint64_t with_carry = other[i] + (carry ? 1U : 0U);
        const bool wrapped = carry && with_carry == 0;
        sum_[i] += with_carry;
        carry = wrapped || sum_[i] < with_carry;
    }
}

void ViewDigest::remove(
    std::string_view key, std::string_view uid, std::string_view hash, std::uint32_t encoding
) {
    const Limbs other = entry_hash(key, uid, hash, encoding);
    bool borrow = false;
    for (std::size_t i = 0; i < sum_.size(); ++i) {
        const std::uint64_t with_borrow = other[i] + (borrow ? 1U : 0U);
        const bool wrapped = borrow && with_borrow == 0;
        const bool below = sum_[i] < with_borrow;
        sum_[i] -= with_borrow;
        borrow = wrapped || below;
    }
}

std::string ViewDigest::bytes() const {
    std::string out;
    out.reserve(kDigestBytes);
    for (const std::uint64_t limb : sum_) {
        for (unsigned i = 0; i < 8; ++i) {
            out.push_back(static_cast<char>(limb >> (8U * i)));
        }
    }
    return out;
}

}  // namespace farhold::tunnel
