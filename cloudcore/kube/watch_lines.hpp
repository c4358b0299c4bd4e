// SPDX-License-Identifier: Apache-2.0
//
// Pure: the events of a watch out of the bytes of its answer, one JSON document a line, cut anywhere.
#pragma once

#include "common/base/error.hpp"
#include "common/kubeapi/kube_client.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace farhold::kube {

class WatchLines {
public:
    void add(std::string_view bytes) { text_ += bytes; }

    // nullopt: the next event is not there whole. An error is the end of the watch: one that the
    // server tells, corrupt for what is no event, internal for one without an end.
    Result<std::optional<kubeapi::WatchEvent>> next();

private:
    std::string text_;
    std::size_t position_ = 0;  // Where the next line begins.
    std::size_t searched_ = 0;  // Up to here it has no end.
};

}  // namespace farhold::kube
