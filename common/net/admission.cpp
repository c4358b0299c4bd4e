// SPDX-License-Identifier: Apache-2.0
#include "common/net/admission.hpp"

#include "common/base/ensure.hpp"

namespace farhold::net {

bool Admission::admit(const std::string& address) {
    const auto known = anonymous_by_address_.find(address);
    const std::size_t here = known == anonymous_by_address_.end() ? 0 : known->second;
    if (connections_ >= limits_.connections || anonymous_ >= limits_.anonymous ||
        here >= limits_.anonymous_per_address) {
        return false;
    }
    ++connections_;
    ++anonymous_;
    ++anonymous_by_address_[address];
    return true;
}

void Admission::identified(const std::string& address) {
    const auto entry = anonymous_by_address_.find(address);
    ensure(entry != anonymous_by_address_.end(), "the connection was admitted");
    --anonymous_;
    if (--entry->second == 0) {
        anonymous_by_address_.erase(entry);
    }
}

void Admission::left(bool was_identified, const std::string& address) {
    if (!was_identified) {
        identified(address);
    }
    --connections_;
}

}  // namespace farhold::net
