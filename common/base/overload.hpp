// SPDX-License-Identifier: Apache-2.0
//
// One function object of several lambdas, for std::visit.
#pragma once

namespace farhold {

template <class... Handlers>
struct Overload : Handlers... {
    using Handlers::operator()...;
};

}  // namespace farhold
