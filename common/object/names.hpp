// SPDX-License-Identifier: Apache-2.0
//
// Pure: the syntax of names, keys and values, with Kubernetes' sentences. Each function returns the
// complaint, or nothing when the text is fine.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace farhold::object {

using Complaint = std::optional<std::string>;

Complaint check_dns1123_label(std::string_view text);
Complaint check_dns1123_subdomain(std::string_view text);
Complaint check_dns1035_label(std::string_view text);
// One element of a URL path: not ".", "..", no '/' or '%'.
Complaint check_path_segment(std::string_view text);
// "prefix/name" or "name": keys of labels and annotations, condition types, resource names.
Complaint check_qualified_name(std::string_view text);
Complaint check_label_value(std::string_view text);
// Keys of ConfigMaps and Secrets.
Complaint check_config_key(std::string_view text);
// Names of environment variables: any printable ASCII but '='.
Complaint check_env_name(std::string_view text);
// Names of ports ("http"): at most 15 characters, a letter at least.
Complaint check_port_name(std::string_view text);
// IPv4 in dotted or IPv6 in colon notation.
Complaint check_ip(std::string_view text);
Complaint check_cidr(std::string_view text);

}  // namespace farhold::object
