// SPDX-License-Identifier: Apache-2.0
//
// The API's queue over a store in memory, with namespace "default", as controllers see it.
#pragma once

#include "cloudcore/apiserver/embedded_client.hpp"
#include "cloudcore/apiserver/store_queue.hpp"
#include "common/async/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

#include <string_view>

namespace farhold::apiserver {

inline json::Value named(std::string_view name) {
    json::Value object = json::Value::make_object();
    object.ensure_path({"metadata", "name"}) = json::Value::of(name);
    return object;
}

// The queue over a store in memory, running while the body runs.
template <class Body>
void with_client(Body body) {
    test::run_task([&]() -> Task<> {
        const Executor executor = co_await this_executor;
        const SystemClock clock;
        metrics::Registry metrics;
        StoreQueue queue(
            executor, kubestore::Store::open(":memory:").value(),
            kuberest::AccountTokens(pki::PrivateKey::generate()), clock, metrics, log::Logger()
        );
        EmbeddedClient client(executor, queue, clock);
        TaskGroup group(executor);
        group.spawn(queue.run());
        CHECK(co_await client.create(kubeapi::kNamespaces, "", named("default"), ""));
        co_await body(client);
        group.cancel();
        co_await group.join();
    });
}

}  // namespace farhold::apiserver
