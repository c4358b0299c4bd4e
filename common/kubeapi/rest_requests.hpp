// SPDX-License-Identifier: Apache-2.0
//
// Pure: what a client asks of the Kubernetes API and how it reads the answers, without a transport.
#pragma once

#include "common/base/error.hpp"
#include "common/json/value.hpp"
#include "common/kubeapi/kube_client.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::kubeapi {

struct RestRequest {
    // As the rules of RBAC call it: "watch" and "pods/status".
    std::string verb;
    std::string resource;
    std::string method;
    std::string path;
    std::vector<std::pair<std::string, std::string>> query;  // Not yet percent-encoded.
    std::string content_type;                                // Empty: no body, or JSON.
    std::string accept = "application/json";
    std::string body;
};

RestRequest get_request(const ResourceRef& resource, std::string_view ns, std::string_view name);
// One page stays small enough to be parsed between two events of the loop.
inline constexpr int kPageLimit = 500;
// One page; `continue_token` is what the page before it said.
RestRequest list_request(
    const ResourceRef& resource, const ListOptions& options, const std::string& continue_token,
    int limit = kPageLimit
);
RestRequest watch_request(
    const ResourceRef& resource, const ListOptions& options, const std::string& resource_version
);
// A watch that begins with a list as new as one of list_request()'s, told an event an object.
RestRequest watch_list_request(const ResourceRef& resource, const ListOptions& options);
RestRequest create_request(
    const ResourceRef& resource, std::string_view ns, const json::Value& object,
    std::string_view subresource
);
RestRequest update_request(
    const ResourceRef& resource, std::string_view ns, const json::Value& object,
    std::string_view subresource
);
RestRequest patch_request(
    const ResourceRef& resource, std::string_view ns, std::string_view name, const Patch& patch
);
RestRequest remove_request(
    const ResourceRef& resource, std::string_view ns, std::string_view name,
    const DeleteOptions& options
);

// A Status object as an Error; the codes are those that kube_client.hpp promises.
Error error_of_status(const json::Value& status, int http_status);

// The object that an answer carries.
Result<json::Value> read_answer(int http_status, std::string_view body);

// An event as a watch tells it. An ERROR is an error, as kube_client.hpp says.
Result<WatchEvent> read_watch_event(json::Value event);

// Appends a page's items as the options want them; answers the token of the next page, empty after the
// last.
std::string take_page(json::Value page, const ListOptions& options, ListResult& result);

}  // namespace farhold::kubeapi
