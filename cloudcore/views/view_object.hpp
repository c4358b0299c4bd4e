// SPDX-License-Identifier: Apache-2.0
//
// Pure: an object as machines get it. Encoded once, then shared by every view and session that
// holds it; never changed.
#pragma once

#include "common/object/object_key.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace farhold::views {

struct ViewObject {
    object::ObjectKey key;
    std::string uid;
    std::string resource_version;
    std::string hash;  // 16 bytes, of the content.
    std::uint32_t encoding = 0;
    std::string content;  // JSON without status and bookkeeping (common/tunnel/content.hpp).
};

using ViewObjectPtr = std::shared_ptr<const ViewObject>;

}  // namespace farhold::views
