// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "common/json/value.hpp"
#include "edgecore/store/store_batch.hpp"

namespace farhold::store {

// What a row says is wanted, with the uid that stands beside its content. Null when it cannot be read.
json::Value desired_object(const DesiredRow& row);

}  // namespace farhold::store
