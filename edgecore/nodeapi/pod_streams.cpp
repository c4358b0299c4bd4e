// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/pod_streams.hpp"

#include "common/net/endpoint.hpp"
#include "common/net/relay.hpp"
#include "common/net/stream_client.hpp"
#include "edgecore/nodeapi/pod_lookup.hpp"
#include "edgecore/nodeapi/replies.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace farhold::nodeapi {

namespace {

// What has ended in one direction has this long for the other one.
constexpr Duration kRelayGrace = std::chrono::seconds(30);

struct RuntimeAddress {
    net::Endpoint endpoint;
    std::string path;
};

Result<RuntimeAddress> parse_url(std::string_view url) {
    constexpr std::string_view kPlain = "http://";
    if (url.starts_with("https://")) {
        return fail(
            ErrorCode::unsupported,
            "the container runtime's stream server wants TLS, which edgecore does not speak with it"
        );
    }
    if (!url.starts_with(kPlain)) {
        return fail(
            ErrorCode::unsupported, fmt::format("the container runtime's address \"{}\"", url)
        );
    }
    url.remove_prefix(kPlain.size());
    const auto slash = std::min(url.find('/'), url.size());
    auto endpoint = net::parse_endpoint(std::string(url.substr(0, slash)));
    if (!endpoint) {
        return fail(endpoint.error().within("the container runtime's address"));
    }
    return RuntimeAddress{.endpoint = std::move(*endpoint), .path = std::string(url.substr(slash))};
}

Result<runtime::ExecStreams> streams_of(const NodeRequest& request) {
    const runtime::ExecStreams streams{
        .input = request.flag("input"),
        .output = request.flag("output"),
        .error = request.flag("error") && !request.flag("tty"),
        .tty = request.flag("tty"),
    };
    if (!streams.input && !streams.output && !streams.error) {
        return fail(
            ErrorCode::invalid_argument, "you must specify at least 1 of stdin, stdout, stderr"
        );
    }
    return streams;
}

// The newest one that runs; kubelet's words when there is none.
Task<Result<std::string>> find_container(
    const NodeServices& services, std::string uid, std::string name
) {
    const auto state = co_await services.runtime.list();
    if (!state) {
        co_return fail(state.error());
    }
    const runtime::Container* found = nullptr;
    for (const runtime::Container& each : state->containers) {
        const bool fits = each.pod.uid == uid && each.name == name &&
                          each.state == runtime::ContainerState::running;
        if (fits && (found == nullptr || each.attempt > found->attempt)) {
            found = &each;
        }
    }
    if (found == nullptr) {
        co_return fail(ErrorCode::internal, fmt::format("container not found (\"{}\")", name));
    }
    co_return found->id;
}

Task<Result<std::string>> find_sandbox(const NodeServices& services, std::string uid) {
    const auto state = co_await services.runtime.list();
    if (!state) {
        co_return fail(state.error());
    }
    const runtime::Sandbox* found = nullptr;
    for (const runtime::Sandbox& each : state->sandboxes) {
        const bool fits = each.pod.uid == uid && each.state == runtime::SandboxState::ready;
        if (fits && (found == nullptr || each.attempt > found->attempt)) {
            found = &each;
        }
    }
    if (found == nullptr) {
        co_return fail(ErrorCode::internal, "the pod does not run");
    }
    co_return found->id;
}

// All that the client said, to the runtime's address instead of ours.
std::string forwarded_head(const net::HttpRequest& request, const RuntimeAddress& address) {
    std::string head = fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}:{}\r\n", request.method, address.path, address.endpoint.host,
        address.endpoint.port
    );
    constexpr std::array<std::string_view, 4> kOurs{
        "Host", "Content-Length", "Authorization", "Cookie"
    };
    for (const auto& [name, value] : request.headers.fields()) {
        const bool ours = std::ranges::any_of(kOurs, [&name](std::string_view each) {
            return boost::algorithm::iequals(name, each);
        });
        if (!ours) head += fmt::format("{}: {}\r\n", name, value);
    }
    head += "\r\n";
    return head;
}

Task<> put_through(
    net::HttpExchange& exchange, const NodeServices& services, std::string what,
    Result<std::string> url
) {
    auto address = url ? parse_url(*url) : Result<RuntimeAddress>(fail(url.error()));
    auto runtime = Result<std::unique_ptr<net::ByteStream>>(nullptr);
    if (address) {
        runtime = co_await net::connect_stream(address->endpoint, {});
    }
    if (!address || !runtime) {
        const Error& error = address ? runtime.error() : address.error();
        // Not the pod's absence, whatever the runtime calls it: that was looked up before.
        co_await exchange.respond(error_response(500, error));
        co_return;
    }
    const std::string head = forwarded_head(exchange.request(), *address);
    if (const auto asked = co_await (*runtime)->write(head); !asked) {
        co_await exchange.respond(error_response(500, asked.error()));
        co_return;
    }
    const auto client = co_await exchange.hijack();
    if (!client) {
        co_return;
    }
    const Instant began = services.clock.now().mono;
    net::RelayedBytes bytes;
    const auto relayed = co_await net::relay(**client, **runtime, kRelayGrace, bytes);
    const auto lasted =
        std::chrono::duration_cast<std::chrono::milliseconds>(services.clock.now().mono - began);
    services.log.info(
        "stream ended", {{"of", what},
                         {"bytes_in", bytes.from_left},
                         {"bytes_out", bytes.from_right},
                         {"ms", lasted.count()},
                         {"error", relayed ? "" : relayed.error().message()}}
    );
}

// Nothing when the request has been answered with what is wrong with it.
Task<std::optional<json::Value>> check_pod(
    net::HttpExchange& exchange, const NodeServices& services,
    const std::optional<ContainerAddress>& address
) {
    const bool upgrades = exchange.request().headers.has("Upgrade");
    if (!address || !upgrades) {
        co_await exchange.respond(
            address ? net::text_response(400, "Upgrade request required")
                    : net::text_response(404, "404 page not found")
        );
        co_return std::nullopt;
    }
    auto pod = find_pod(services, *address);
    if (!pod) {
        co_await exchange.respond(error_response(pod.error()));
        co_return std::nullopt;
    }
    co_return std::move(*pod);
}

std::string title(std::string_view what, const ContainerAddress& address) {
    return fmt::format("{} {}/{}/{}", what, address.ns, address.pod, address.container);
}

}  // namespace

Task<> serve_exec(
    net::HttpExchange& exchange, const NodeServices& services, const NodeRequest& request
) {
    const auto address = container_address(request.path);
    const auto pod = co_await check_pod(exchange, services, address);
    if (!pod) {
        co_return;
    }
    const auto streams = streams_of(request);
    std::vector<std::string> command;
    for (const auto& [key, value] : request.query) {
        if (key == "command") {
            command.push_back(value);
        }
    }
    if (!streams || command.empty()) {
        co_await exchange.respond(
            streams ? net::text_response(400, "you must specify at least 1 command")
                    : error_response(streams.error())
        );
        co_return;
    }
    auto id = co_await find_container(
        services, std::string(pod->text_at({"metadata", "uid"})), address->container
    );
    auto url = id ? co_await services.runtime.exec_url(*id, command, *streams) : std::move(id);
    co_await put_through(exchange, services, title("exec", *address), std::move(url));
}

Task<> serve_attach(
    net::HttpExchange& exchange, const NodeServices& services, const NodeRequest& request
) {
    const auto address = container_address(request.path);
    const auto pod = co_await check_pod(exchange, services, address);
    if (!pod) {
        co_return;
    }
    auto streams = streams_of(request);
    if (!streams) {
        co_await exchange.respond(error_response(streams.error()));
        co_return;
    }
    // Whether there is a terminal was decided when the container started, not by who attaches.
    const json::Value* spec = find_container_spec(*pod, address->container);
    streams->tty = spec != nullptr && spec->bool_at({"tty"});
    streams->error = streams->error && !streams->tty;
    auto id = co_await find_container(
        services, std::string(pod->text_at({"metadata", "uid"})), address->container
    );
    auto url = id ? co_await services.runtime.attach_url(*id, *streams) : std::move(id);
    co_await put_through(exchange, services, title("attach", *address), std::move(url));
}

Task<> serve_port_forward(
    net::HttpExchange& exchange, const NodeServices& services, const NodeRequest& request
) {
    const auto address = pod_address(request.path);
    const auto pod = co_await check_pod(exchange, services, address);
    if (!pod) {
        co_return;
    }
    auto id = co_await find_sandbox(services, std::string(pod->text_at({"metadata", "uid"})));
    auto url = id ? co_await services.runtime.port_forward_url(*id) : std::move(id);
    co_await put_through(exchange, services, title("port-forward", *address), std::move(url));
}

}  // namespace farhold::nodeapi
