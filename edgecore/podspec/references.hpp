// SPDX-License-Identifier: Apache-2.0
//
// Pure: the ConfigMaps, Secrets and tokens a pod refers to, decoded, as they stood at one moment. A
// value, so that the thread for file work can hold it while the store moves on.
#pragma once

#include "common/base/error.hpp"
#include "edgecore/podspec/pod_spec.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace farhold::podspec {

using KeyedData = std::map<std::string, std::string, std::less<>>;

struct References {
    std::map<std::string, std::shared_ptr<const KeyedData>, std::less<>> config_maps;
    std::map<std::string, std::shared_ptr<const KeyedData>, std::less<>> secrets;
    std::map<TokenTerms, Result<std::string>> tokens;  // Or why there is none.
    KeyedData services;  // Environment variables by which Services are found.
    // Whether what is missing here is known not to exist; otherwise it may just not have arrived.
    bool complete = false;

    // The data; null when the object is missing and that is allowed. Otherwise not_found, in
    // kubelet's words.
    [[nodiscard]] Result<const KeyedData*> config_map(std::string_view name, bool optional) const;
    [[nodiscard]] Result<const KeyedData*> secret(std::string_view name, bool optional) const;
    [[nodiscard]] Result<std::string> token(const TokenTerms& terms) const;
};

struct ReferencedNames {
    std::set<std::string> config_maps;
    std::set<std::string> secrets;
    std::set<TokenTerms> tokens;
};
ReferencedNames referenced_names(const PodSpec& pod);

// data and binaryData of the object's JSON. `secret`: data is base64.
Result<KeyedData> parse_keyed_data(std::string_view content, bool secret);

}  // namespace farhold::podspec
