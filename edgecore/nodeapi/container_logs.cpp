// SPDX-License-Identifier: Apache-2.0
#include "edgecore/nodeapi/container_logs.hpp"

#include "edgecore/nodeapi/log_files.hpp"
#include "edgecore/nodeapi/pod_lookup.hpp"
#include "edgecore/nodeapi/replies.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace farhold::nodeapi {

namespace {

constexpr std::size_t kReadBytes = std::size_t{32} << 10U;
// When nothing tells a follower of a new line, and whether its container has ended.
constexpr Duration kLookEvery = std::chrono::seconds(1);

struct Source {
    json::Value pod;
    ContainerAddress address;
    Instance instance;
    std::string directory;
};

Result<Source> find_source(
    const NodeServices& services, const NodeRequest& request, bool previous
) {
    const auto address = container_address(request.path);
    if (!address) {
        return fail(ErrorCode::not_found, "404 page not found");
    }
    auto pod = find_pod(services, *address);
    if (!pod) {
        return fail(pod.error());
    }
    if (find_container_spec(*pod, address->container) == nullptr) {
        return fail(
            ErrorCode::not_found,
            fmt::format(
                "container \"{}\" not found in pod \"{}\"", address->container, address->pod
            )
        );
    }
    auto instance = choose_log(*pod, address->container, previous);
    if (!instance) {
        return fail(instance.error());
    }
    std::string directory = fmt::format(
        "{}/{}_{}_{}/{}", services.pod_log_root, address->ns, address->pod,
        pod->text_at({"metadata", "uid"}), address->container
    );
    return Source{
        .pod = std::move(*pod),
        .address = *address,
        .instance = std::move(*instance),
        .directory = std::move(directory),
    };
}

bool still_runs(const NodeServices& services, const Source& source) {
    const auto pod = find_pod(services, source.address);
    return pod && pod->text_at({"metadata", "uid"}) == source.pod.text_at({"metadata", "uid"}) &&
           is_running(*pod, source.address.container, source.instance);
}

// From here on the request is cancelled when its reader goes away.
Task<Result<void>> send(
    net::HttpExchange& exchange, const NodeServices& services, LogWatch& watch,
    const LogOptions& options, const Source& source, LogCursor& cursor
) {
    Event changed(services.executor);
    std::optional<LogWatch::Registration> registration;
    if (options.follow) {
        registration.emplace(watch, source.directory, changed);
    }
    LogFormatter formatter(options);
    bool running = options.follow;
    while (!formatter.satisfied()) {
        const Instant now = services.clock.now().mono;
        const auto bytes =
            co_await services.files.run([&] { return cursor.read(kReadBytes, now); });
        if (!bytes) {
            co_return fail(bytes.error());
        }
        if (!bytes->empty()) {
            std::string text;
            formatter.feed(*bytes, text);
            if (auto written = co_await exchange.write_chunk(text); !written) {
                co_return written;
            }
        } else if (running) {
            // What it wrote last is there once it is known to have ended: so look once more then.
            if (!co_await changed.wait_for(kLookEvery)) {
                running = still_runs(services, source);
            }
        } else {
            break;
        }
    }
    co_return Result<void>();
}

}  // namespace

Task<> serve_logs(
    net::HttpExchange& exchange, const NodeServices& services, LogWatch& watch,
    const NodeRequest& request
) {
    const auto options = parse_log_options(request, services.clock.now().wall);
    if (!options) {
        co_await exchange.respond(error_response(422, options.error()));
        co_return;
    }
    const auto source = find_source(services, request, options->previous);
    if (!source) {
        co_await exchange.respond(error_response(source.error()));
        co_return;
    }
    const auto cursor = co_await services.files.run([&] {
        return LogCursor::open(source->directory, source->instance.attempt, options->tail_lines);
    });
    if (!cursor) {
        co_await exchange.respond(error_response(cursor.error()));
        co_return;
    }
    const net::HttpHeaders headers{{"Content-Type", "text/plain"}};
    const auto began = co_await exchange.begin_stream(200, headers);
    const auto sent = began ? co_await send(exchange, services, watch, *options, *source, **cursor)
                            : Result<void>(fail(began.error()));
    if (!sent && sent.error().code() == ErrorCode::cancelled) {
        co_return;
    }
    if (!sent) {
        // The answer is left without its end, so that its reader sees that it is not whole.
        services.log.debug("container log not sent", {{"error", sent.error().message()}});
        co_return;
    }
    co_await exchange.end_stream();
}

}  // namespace farhold::nodeapi
