// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kubelet/kubelet_route.hpp"

#include "common/base/encoding.hpp"
#include "common/base/url_text.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace farhold::kubelet {
namespace {

// "NAME", "NAME:10250", "https:NAME:10250".
std::string name_in(std::string_view named) {
    for (const std::string_view scheme : {"https:", "http:"}) {
        if (named.starts_with(scheme)) named.remove_prefix(scheme.size());
    }
    return std::string(named.substr(0, named.find(':')));
}

// "/api/v1/nodes/NAME/proxy/..."
std::string forwarded_node(std::string_view uri) {
    const auto elements = split(uri.substr(0, uri.find('?')), '/');
    const bool is_proxy = elements.size() >= 5 && elements[0] == "api" && elements[2] == "nodes" &&
                          elements[4] == "proxy";
    return is_proxy ? name_in(elements[3]) : std::string();
}

void demand(KubeletRoute& to, std::string_view what, std::string_view method) {
    static constexpr std::array<std::string_view, 3> kSessions = {"exec", "attach", "portForward"};
    // Whoever may look at a node may not therefore run commands there, as GET would have it.
    const bool is_session = std::ranges::find(kSessions, what) != kSessions.end();
    to.verb = method == "GET" && !is_session ? "get" : "create";
    to.subresource = what == "stats" || what == "metrics" ? what : what == "logs" ? "log" : "proxy";
    to.takes_tokens = what == "stats" || what == "metrics";
}

}  // namespace

Result<KubeletRoute> route(
    std::string_view method, std::string_view target, std::string_view forwarded
) {
    static constexpr std::array<std::string_view, 4> kOfPods = {
        "containerLogs", "exec", "attach", "portForward"
    };
    static constexpr std::array<std::string_view, 6> kOfNodes = {"stats",   "metrics", "healthz",
                                                                 "configz", "pods",    "logs"};
    KubeletRoute to;
    to.target = target;
    to.node = forwarded_node(forwarded);
    auto elements = split(target.substr(0, target.find('?')), '/');
    if (elements.size() >= 3 && elements[0] == "nodes") {
        to.node = percent_decode(elements[1], false).value_or(std::string());
        const auto rest = static_cast<std::size_t>(elements[2].data() - target.data());
        to.target = "/" + std::string(target.substr(rest));
        elements.erase(elements.begin(), elements.begin() + 2);
    }
    const std::string_view what = elements.empty() ? std::string_view() : elements[0];
    demand(to, what, method);
    if (std::ranges::find(kOfPods, what) != kOfPods.end() && elements.size() >= 3) {
        to.ns = percent_decode(elements[1], false).value_or(std::string());
        to.pod = percent_decode(elements[2], false).value_or(std::string());
        to.node.clear();  // The Pod decides.
        return to;
    }
    if (std::ranges::find(kOfNodes, what) == kOfNodes.end() || method != "GET") {
        return fail(ErrorCode::not_found, "404 page not found");
    }
    if (to.node.empty()) {
        return fail(
            ErrorCode::invalid_argument,
            "which machine is meant? ask through the API server's /api/v1/nodes/NAME/proxy/, or "
            "for "
            "/nodes/NAME" +
                std::string(target.substr(0, target.find('?')))
        );
    }
    return to;
}

}  // namespace farhold::kubelet
