// SPDX-License-Identifier: Apache-2.0
//
// Pure: the list that a watch with sendInitialEvents begins with. It is one when the server says that
// it is over; what an event tells before that may be missing something.
#pragma once

#include "common/base/error.hpp"
#include "common/kubeapi/kube_client.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace farhold::kubeapi {

class InitialList {
public:
    // As ListOptions has it; may be empty.
    explicit InitialList(std::function<ObjectPtr(ObjectPtr object)> on_read);

    // The next event of the watch. True: the list is whole. unsupported: the server goes on to watch
    // without ever having said so.
    Result<bool> take(WatchEvent event);

    struct Whole {
        ListResult list;
        // Of objects in the list that went while it was told: they come after it, since a deletion
        // that was seen is more than an absence.
        std::vector<WatchEvent> deleted;
    };
    // Once it is whole.
    Whole finish();

private:
    using Name = std::pair<std::string, std::string>;  // Namespace and name.

    std::function<ObjectPtr(ObjectPtr object)> on_read_;
    ListResult list_;
    std::map<Name, std::size_t> places_;
    std::map<Name, WatchEvent> deleted_;
};

}  // namespace farhold::kubeapi
