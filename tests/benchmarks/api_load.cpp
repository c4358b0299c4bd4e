// SPDX-License-Identifier: Apache-2.0
#include "api_load.hpp"

#include "api_session.hpp"
#include "common/async/task_group.hpp"
#include "common/json/value.hpp"
#include "progress.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace farhold::bench {

namespace {

Task<> write_objects(ApiConnection& connection, Load& load, Instant end) {
    while (load.count > 0 ? load.made < load.count : SystemClock().now().mono < end) {
        const int number = ++load.made;
        const Stopwatch watch;
        co_await post(connection, load.collection, load.object(number));
        load.latencies.push_back(watch.milliseconds());
    }
}

}  // namespace

Task<> post(ApiConnection& connection, std::string target, std::string body) {
    const ApiAnswer answer = co_await connection.ask("POST", target, std::move(body));
    if (answer.status != 201) {
        throw std::runtime_error(fmt::format("POST {}: {} {}", target, answer.status, answer.body));
    }
}

Task<> open_connections(ApiAccess access, int count, Connections& connections) {
    for (int number = 0; number < count; ++number) {
        connections.push_back(co_await ApiConnection::open(access));
    }
}

double run_load(const ApiAccess& access, int clients, Load& load) {
    boost::asio::io_context loop(1);
    Connections connections;
    run_on(loop, open_connections(access, clients, connections));
    TaskGroup group(loop.get_executor());
    const Stopwatch watch;
    for (const auto& connection : connections) {
        group.spawn(write_objects(*connection, load, watch.began() + load.time));
    }
    run_on(loop, group.join());
    return watch.milliseconds() / 1000;
}

std::string idle_pod(const IdlePod& pod) {
    using json::Value;
    Value env = Value::make_array();
    for (int number = 0; number < 20; ++number) {
        Value& variable = env.push_back(Value::make_object());
        variable.set("name", Value::of(fmt::format("VARIABLE_{}", number)));
        variable.set("value", Value::of(fmt::format("some value of some length {}", number)));
    }
    Value container = Value::make_object();
    container.set("name", Value::of("main"));
    container.set("image", Value::of("example/idle:1"));
    container.set("env", std::move(env));
    Value object = Value::make_object();
    object.set("apiVersion", Value::of("v1"));
    object.set("kind", Value::of("Pod"));
    object.ensure_path({"metadata", "name"}) = Value::of(pod.name);
    object.ensure_path({"metadata", "labels", "app"}) = Value::of("idle");
    Value& spec = object.ensure_path({"spec"});
    spec.set("schedulerName", Value::of("nobody"));
    if (!pod.node.empty()) spec.set("nodeName", Value::of(pod.node));
    if (!pod.config_map.empty()) {
        Value volume = Value::make_object();
        volume.set("name", Value::of("config"));
        volume.ensure_path({"configMap", "name"}) = Value::of(pod.config_map);
        spec.set("volumes", Value::make_array({std::move(volume)}));
    }
    spec.set("containers", Value::make_array({std::move(container)}));
    return object.dump();
}

}  // namespace farhold::bench
