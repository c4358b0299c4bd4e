// SPDX-License-Identifier: Apache-2.0
//
// Pure: what goes into the API and what comes out, without HTTP.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::kuberest {

class Watcher;

struct UserInfo {
    std::string name = "system:anonymous";
    std::vector<std::string> groups = {"system:unauthenticated"};

    bool in_group(std::string_view group) const;
    // Who is in "system:masters" may do everything; RBAC for others comes with its kinds.
    bool is_master() const { return in_group("system:masters"); }
};

// In the order of the query string, percent-decoded; a key may repeat.
using Query = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string_view> find_parameter(const Query& query, std::string_view key);

struct Request {
    std::string method;
    std::string path;  // Percent-decoded.
    Query query;
    std::string content_type;
    std::string accept;
    std::string if_none_match;
    std::string host;  // Under which the client reached us; told to old clients in discovery.
    std::string body;
    UserInfo user;
    std::string bearer_token;  // Instead of the user: a ServiceAccount's, to be checked.
};

// What a machine answers instead of the store: to whom the request goes on.
struct NodeRequest {
    std::string node;
    std::string target;  // Path and query as a kubelet's API has them.
    std::string user;    // Who asks.
    // The machine's answer is the client's, whatever it says; else its errors become a Status.
    bool is_proxy = false;
};

struct Response {
    int code = 200;
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    // Set for a watch: what follows the head comes from it, and body is empty.
    std::unique_ptr<Watcher> watcher;
    // Set when the answer is a machine's; everything above is empty.
    std::optional<NodeRequest> node_request;

    Response();
    Response(int response_code, std::string response_body);
    Response(Response&&) noexcept;
    Response& operator=(Response&&) noexcept;
    ~Response();
};

}  // namespace farhold::kuberest
