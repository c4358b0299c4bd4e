// SPDX-License-Identifier: Apache-2.0
//
// What this edgecore tells as its kubelet's version: the Kubernetes minor whose behaviour it follows,
// in the form that schedulers, charts and skew checks parse.
#pragma once

namespace farhold::edge {

inline constexpr const char* kKubeletVersion = "v1.34.0+farhold." FARHOLD_VERSION;

}  // namespace farhold::edge
