// SPDX-License-Identifier: Apache-2.0
//
// Pure: the variables by which a container finds Services, as kubelet sets them: {NAME}_SERVICE_HOST,
// {NAME}_SERVICE_PORT and those in the manner of Docker's links. They are of the moment in which the
// container was made.
#pragma once

#include "edgecore/podspec/references.hpp"

#include <string_view>

namespace farhold::podspec {

// Adds the variables of a Service, given as JSON. One without an address in the cluster has none. What
// is in `variables` already stays only where the Service says nothing else.
void add_service_environment(std::string_view name, std::string_view content, KeyedData& variables);

}  // namespace farhold::podspec
