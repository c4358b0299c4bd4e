// SPDX-License-Identifier: Apache-2.0
//
// Requests that a machine answers: which one, and what it is asked in a kubelet's words.
#include "common/base/encoding.hpp"
#include "common/kuberest/verbs.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace farhold::kuberest {
namespace {

using json::Value;
using Names = std::vector<std::string_view>;

Names containers_in(const Value& pod, std::string_view list) {
    Names names;
    const Value* containers = pod.at_path({"spec", list});
    if (containers != nullptr && containers->is_array()) {
        for (const Value& container : containers->array()) {
            names.push_back(container.text_at({"name"}));
        }
    }
    return names;
}

// The one that was asked for, else the only one.
ApiResult<std::string> choose_container(const Call& call, const Value& pod) {
    const std::string_view wanted =
        find_parameter(call.request.query, "container").value_or(std::string_view());
    const Names regular = containers_in(pod, "containers");
    const Names first = containers_in(pod, "initContainers");
    const Names joined = containers_in(pod, "ephemeralContainers");
    if (!wanted.empty()) {
        for (const Names* names : {&regular, &first, &joined}) {
            if (std::ranges::find(*names, wanted) != names->end()) {
                return std::string(wanted);
            }
        }
        return refuse(bad_request(
            fmt::format("container {} is not valid for pod {}", wanted, call.target.name)
        ));
    }
    if (regular.size() == 1 && first.empty() && joined.empty()) {
        return std::string(regular.front());
    }
    std::string message =
        fmt::format("a container name must be specified for pod {}", call.target.name);
    message += fmt::format(", choose one of: [{}]", fmt::join(regular, " "));
    if (!first.empty()) {
        message += fmt::format(" or one of the init containers: [{}]", fmt::join(first, " "));
    }
    if (!joined.empty()) {
        message += fmt::format(" or one of the ephemeral containers: [{}]", fmt::join(joined, " "));
    }
    return refuse(bad_request(std::move(message)));
}

bool is_set(const Query& query, std::string_view key) {
    const auto value = find_parameter(query, key);
    return value && *value != "false" && *value != "0";
}

class QueryText {
public:
    void add(std::string_view key, std::string_view value) {
        text_ += fmt::format("{}{}={}", text_.empty() ? "?" : "&", key, percent_encode(value));
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
};

std::string log_query(const Query& query) {
    static constexpr std::array<std::string_view, 7> kKeys = {
        "follow", "limitBytes", "previous", "sinceSeconds", "sinceTime", "tailLines", "timestamps",
    };
    QueryText text;
    for (const std::string_view key : kKeys) {
        if (const auto value = find_parameter(query, key)) {
            text.add(key, *value);
        }
    }
    return text.text();
}

// A kubelet's names are others than the API's.
std::string session_query(const Query& query) {
    QueryText text;
    for (const auto& [key, value] : query) {
        if (key == "command") {
            text.add(key, value);
        }
    }
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kFlags = {{
        {"stderr", "error"},
        {"stdin", "input"},
        {"stdout", "output"},
        {"tty", "tty"},
    }};
    for (const auto& [ours, kubelets] : kFlags) {
        if (is_set(query, ours)) {
            text.add(kubelets, "1");
        }
    }
    return text.text();
}

Response ask_node(const Call& call, std::string_view node, std::string target) {
    Response response(0, {});
    response.node_request = NodeRequest{
        .node = std::string(node),
        .target = std::move(target),
        .user = call.request.user.name,
        .is_proxy = call.target.subresource == "proxy",
    };
    return response;
}

std::string encode_path(std::string_view path) {
    std::string encoded;
    for (const std::string_view element : path_elements(path)) {
        encoded += "/" + percent_encode(element);
    }
    return encoded.empty() ? "/" : encoded;
}

// "NAME", or "NAME:10250" and "https:NAME:10250" as the API server takes them as well.
std::string_view node_name(std::string_view named) {
    for (const std::string_view scheme : {"https:", "http:"}) {
        if (named.starts_with(scheme)) {
            named.remove_prefix(scheme.size());
        }
    }
    return named.substr(0, named.find(':'));
}

ApiResult<Response> connect_to_node(const Call& call) {
    if (call.request.method != "GET") {
        return refuse(method_not_allowed());
    }
    const std::string_view name = node_name(call.target.name);
    const auto node = load(call.store, call.type(), "", name);
    if (!node) {
        return refuse(node.error());
    }
    if (!node->has_value()) {
        return refuse(not_found(call.type(), name));
    }
    QueryText query;
    for (const auto& [key, value] : call.request.query) {
        query.add(key, value);
    }
    return ask_node(call, name, encode_path(call.target.rest) + query.text());
}

}  // namespace

ApiResult<Response> connect_node(const Call& call) {
    const std::string& subresource = call.target.subresource;
    if (subresource == "proxy") {
        return connect_to_node(call);
    }
    const ApiResult<StoredObject> pod = load_target(call);
    if (!pod) {
        return refuse(pod.error());
    }
    const std::string place =
        fmt::format("{}/{}", percent_encode(call.target.ns), percent_encode(call.target.name));
    std::string target = "/portForward/" + place;
    if (subresource != "portforward") {
        const ApiResult<std::string> container = choose_container(call, pod->object);
        if (!container) {
            return refuse(container.error());
        }
        const bool is_log = subresource == "log";
        target = fmt::format(
            "/{}/{}/{}{}", is_log ? "containerLogs" : subresource, place,
            percent_encode(*container),
            is_log ? log_query(call.request.query) : session_query(call.request.query)
        );
    }
    const std::string_view node = pod->object.text_at({"spec", "nodeName"});
    if (node.empty() && subresource == "log") {
        return Response(204, {});
    }
    if (node.empty()) {
        return refuse(
            bad_request(fmt::format("pod {} does not have a host assigned", call.target.name))
        );
    }
    return ask_node(call, node, std::move(target));
}

}  // namespace farhold::kuberest
