// SPDX-License-Identifier: Apache-2.0
//
// Pure: the ServiceAccount tokens that this machine's pods want of the hub. What is wanted waits for a
// session and is asked for in each one anew, until it is answered.
#pragma once

#include "common/tunnel/messages.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace farhold::link {

class TokenQueue {
public:
    // No effect on what is wanted already.
    void want(tunnel::TokenWish wish);

    void begin_session();

    // What to ask for now: no more than the window allows.
    std::vector<tunnel::TokenRequest> take();

    // What the answer of that id is about; nothing: it was not asked for.
    std::optional<tunnel::TokenWish> answered(std::uint64_t id);

private:
    std::deque<tunnel::TokenWish> waiting_;
    std::map<std::uint64_t, tunnel::TokenWish> asked_;  // In this session, by id.
    std::uint64_t last_ = 0;
};

}  // namespace farhold::link
