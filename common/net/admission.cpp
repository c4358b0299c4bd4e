// SPDX-License-Identifier: Apache-2.0
#include "common/net/admission.hpp"

#include "common/base/ensure.hpp"

namespace farhold::net {

Admission::Room Admission::room_for(const std::string& address) const {
    const auto known = anonymous_by_address_.find(address);
    const std::size_t here = known == anonymous_by_address_.end() ? 0 : known->second;
    if (connections_ >= limits_.connections) {
        return Room::full;
    }
    if (here >= limits_.anonymous_per_address) {
        return Room::crowded_address;
    }
    return anonymous_ >= limits_.anonymous ? Room::crowded : Room::free;
}

void Admission::enter(const std::string& address) {
    ++connections_;
    ++anonymous_;
    ++anonymous_by_address_[address];
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
