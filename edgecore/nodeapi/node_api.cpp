// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/node_api.hpp"

#include "common/net/http_stream_server.hpp"
#include "edgecore/nodeapi/container_logs.hpp"
#include "edgecore/nodeapi/log_watch.hpp"
#include "edgecore/nodeapi/node_request.hpp"
#include "edgecore/nodeapi/node_usage.hpp"
#include "edgecore/nodeapi/pod_streams.hpp"
#include "edgecore/nodeapi/replies.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <utility>

namespace farhold::nodeapi {

namespace {

std::string read_text(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Usage {
    MachineUsage machine;
    std::vector<UsedContainer> containers;
};

Task<Result<Usage>> measure(const NodeServices& services) {
    const auto state = co_await services.runtime.list();
    if (!state) co_return fail(state.error());
    const auto used = co_await services.runtime.usage();
    if (!used) co_return fail(used.error());
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    const auto machine = read_machine_usage(
        read_text("/proc/stat"), read_text("/proc/meminfo"), ticks, services.clock.now().wall
    );
    if (!machine) co_return fail(ErrorCode::internal, "/proc/stat or /proc/meminfo is unreadable");
    co_return Usage{*machine, join_usage(*state, *used)};
}

net::HttpResponse list_pods(const NodeServices& services) {
    json::Value items = json::Value::make_array();
    for (json::Value& pod : services.pods()) items.push_back(std::move(pod));
    const json::Value list = json::Value::make_object({
        {"kind", json::Value::of("PodList")},
        {"apiVersion", json::Value::of("v1")},
        {"metadata", json::Value::make_object()},
        {"items", std::move(items)},
    });
    return net::json_response(200, list.dump());
}

}  // namespace

struct NodeApi::Impl {
    explicit Impl(NodeServices given) : services(std::move(given)), watch(services.executor) {}

    Task<net::HttpResponse> get(const NodeRequest& request) const {
        std::string path;
        for (const std::string& segment : request.path) path += "/" + segment;
        if (path == "/healthz") co_return net::text_response(200, "ok");
        if (path == "/metrics") co_return net::text_response(200, services.metrics());
        if (path == "/pods") co_return list_pods(services);
        if (path == "/configz") co_return net::json_response(200, services.configuration().dump());
        if (path == "/metrics/resource" || path == "/stats/summary") {
            const auto usage = co_await measure(services);
            if (!usage) co_return error_response(usage.error());
            if (path == "/metrics/resource") {
                co_return net::text_response(
                    200, resource_metrics(usage->machine, usage->containers)
                );
            }
            const json::Value summary =
                stats_summary(services.node_name, usage->machine, usage->containers);
            co_return net::json_response(200, summary.dump());
        }
        co_return net::text_response(404, "404 page not found");
    }

    NodeServices services;
    LogWatch watch;
};

NodeApi::NodeApi(NodeServices services) : impl_(std::make_unique<Impl>(std::move(services))) {}

NodeApi::~NodeApi() = default;

Task<> NodeApi::run() {
    co_await impl_->watch.run();
}

Task<> NodeApi::serve(std::unique_ptr<net::ByteStream> stream) {
    const net::HttpHandler handler = [this](net::HttpExchange& exchange) {
        return answer(exchange);
    };
    co_await net::serve_http(std::move(stream), {}, handler);
}

Task<> NodeApi::answer(net::HttpExchange& exchange) {
    const auto request = parse_node_request(exchange.request().target);
    if (!request) {
        co_await exchange.respond(error_response(request.error()));
        co_return;
    }
    const NodeServices& services = impl_->services;
    const std::string_view what =
        request->path.empty() ? std::string_view() : std::string_view(request->path.front());
    if (what == "containerLogs") {
        co_await serve_logs(exchange, services, impl_->watch, *request);
    } else if (what == "exec") {
        co_await serve_exec(exchange, services, *request);
    } else if (what == "attach") {
        co_await serve_attach(exchange, services, *request);
    } else if (what == "portForward") {
        co_await serve_port_forward(exchange, services, *request);
    } else if (exchange.request().method != "GET") {
        co_await exchange.respond(net::text_response(405, "method not allowed"));
    } else {
        co_await exchange.respond(co_await impl_->get(*request));
    }
}

}  // namespace farhold::nodeapi
