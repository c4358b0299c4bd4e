// SPDX-License-Identifier: Apache-2.0
//
// Rows for tests of the store.
#pragma once

#include "edgecore/store/store_batch.hpp"

#include <memory>
#include <string>

namespace farhold::test {

inline store::DesiredRow desired_row(
    const std::string& name, const std::string& uid, const std::string& content = "{}"
) {
    store::DesiredRow row;
    row.key = object::ObjectKey{"Pod", "default", name};
    row.uid = uid;
    row.resource_version = "5";
    row.hash = std::string(16, content.back());
    row.hash[3] = '\0';  // Hashes are bytes.
    row.encoding = 1;
    row.content = std::make_shared<const std::string>(content);
    return row;
}

inline store::ReportRow report_row(
    std::uint64_t seq, const std::string& key, const std::string& body = "{}"
) {
    store::ReportRow row;
    row.seq = seq;
    row.key = key;
    row.uid = "u";
    row.body = body;
    return row;
}

}  // namespace farhold::test
