// SPDX-License-Identifier: Apache-2.0
//
// Turns a listing of the whole runtime into what one pod's life cycle wants to know, asking for the
// details that a listing lacks (addresses, exit codes, last words) once each.
#pragma once

#include "edgecore/pods/pod_lifecycle.hpp"
#include "edgecore/pods/pod_services.hpp"
#include "edgecore/pods/waiting_line.hpp"

#include <map>
#include <string>
#include <vector>

namespace farhold::pods {

class PodObserver {
public:
    PodObserver(PodServices& services, SharedListing& listing, std::string uid);

    // An error when anything could not be told: half a picture is none.
    Task<Result<Observation>> observe(PodSpecPtr spec);

    // Of the newest sandbox that was seen ready.
    [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }

private:
    Task<Result<ObservedSandbox>> look_at(const runtime::Sandbox& sandbox);
    Task<Result<ObservedContainer>> look_at(const runtime::Container& container, PodSpecPtr spec);

    PodServices& services_;
    SharedListing& listing_;
    std::string uid_;
    std::vector<std::string> addresses_;
    // What does not change any more, by id.
    std::map<std::string, std::vector<std::string>> sandbox_addresses_;
    std::map<std::string, ObservedContainer> settled_;
};

}  // namespace farhold::pods
