// SPDX-License-Identifier: Apache-2.0
//
// Pure: objects as they lie in the store: JSON text with the revision of its own write.
#pragma once

#include "common/json/value.hpp"
#include "common/kubestore/store.hpp"

#include <string>

namespace farhold::kuberest {

// The store's checksum says that the text is the one we wrote, so it is JSON.
json::Value parse_stored(const std::string& text);

void set_revision(json::Value& object, kubestore::Revision revision);

}  // namespace farhold::kuberest
