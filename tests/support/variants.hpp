// SPDX-License-Identifier: Apache-2.0
//
// What a pure state machine has done, by kind.
#pragma once

#include <variant>
#include <vector>

namespace farhold::test {

// Those that are a T, in their order; the list is empty afterwards.
template <class T, class Variant>
std::vector<T> take_all(std::vector<Variant>& variants) {
    std::vector<T> found;
    for (const Variant& variant : variants) {
        if (const auto* one = std::get_if<T>(&variant)) {
            found.push_back(*one);
        }
    }
    variants.clear();
    return found;
}

}  // namespace farhold::test
