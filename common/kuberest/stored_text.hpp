// SPDX-License-Identifier: Apache-2.0
//
// Pure: objects as they lie in the store: JSON text with the revision of its own write. Custom
// resources lie there in one of their versions and are served in all of them.
#pragma once

#include "common/json/value.hpp"
#include "common/kubeschema/registry.hpp"
#include "common/kubestore/store.hpp"

#include <string>

namespace farhold::kuberest {

// The store's checksum says that the text is the one we wrote, so it is JSON.
json::Value parse_stored(const std::string& text);

// The same as an object of the type, whichever version it was stored in.
json::Value parse_stored(const kubeschema::ResourceType& type, const std::string& text);
std::string served_text(const kubeschema::ResourceType& type, const std::string& text);

// `{"kind":"Pod","apiVersion":"v1",`: how the text of each object of the type begins.
std::string text_head(const kubeschema::ResourceType& type);

void set_revision(json::Value& object, kubestore::Revision revision);

}  // namespace farhold::kuberest
