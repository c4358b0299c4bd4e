// SPDX-License-Identifier: Apache-2.0
//
// Reads a store whose database cannot be opened where it is, since SQLite wants to write: on a
// read-only file system, or on a disk that fails. Works on a copy in memory. Blocking.
#pragma once

#include "edgecore/store/edge_store.hpp"

#include <string>

namespace farhold::store {

// Whatever can be read; the findings say what could not.
StoreContents salvage(const std::string& path);

}  // namespace farhold::store
