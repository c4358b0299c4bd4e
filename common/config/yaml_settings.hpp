// SPDX-License-Identifier: Apache-2.0
//
// A configuration file as a flat list of settings: one YAML mapping of scalars and of sequences of
// scalars.
#pragma once

#include "common/base/error.hpp"

#include <string>
#include <vector>

namespace farhold::config {

struct YamlSetting {
    std::string key;
    std::vector<std::string> values;
    int line;  // Counted from 1.
};

// not_found when there is no such file; every other error names file and line.
Result<std::vector<YamlSetting>> read_yaml_settings(const std::string& path);

// The same from text; `path` is for the error messages.
Result<std::vector<YamlSetting>> parse_yaml_settings(
    const std::string& text, const std::string& path
);

}  // namespace farhold::config
