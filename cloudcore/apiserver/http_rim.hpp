// SPDX-License-Identifier: Apache-2.0
//
// Between HTTP and common/kuberest: who asks, what is asked, and how the answer or the stream of a
// watch is written. Decides nothing about objects.
#pragma once

#include "cloudcore/apiserver/store_queue.hpp"
#include "cloudcore/reach/node_calls.hpp"
#include "common/async/task.hpp"
#include "common/base/random.hpp"
#include "common/base/time.hpp"
#include "common/kuberest/request.hpp"
#include "common/metrics/metrics.hpp"
#include "common/net/http_server.hpp"

#include <cstddef>

namespace farhold::apiserver {

// Upstream's limit, which clients know.
inline constexpr std::size_t kBodyBytesMax = 3 << 20;

// The user that a certificate names; anonymous without one.
kuberest::UserInfo user_of(const net::PeerIdentity& peer);

// invalid_argument when the target is not a proper path and query.
Result<kuberest::Request> translate(const net::HttpRequest& request, kuberest::UserInfo user);

class HttpRim {
public:
    // All must outlive the server that calls it.
    HttpRim(
        Executor executor, StoreQueue& queue, reach::NodeCalls& machines, const Clock& clock,
        metrics::Registry& metrics
    );

    Task<> serve(net::HttpExchange& exchange);

private:
    Task<> ask_machine(net::HttpExchange& exchange, kuberest::NodeRequest asked);
    Task<> stream(net::HttpExchange& exchange, kuberest::Response response);

    Executor executor_;
    StoreQueue& queue_;
    reach::NodeCalls& machines_;
    const Clock& clock_;
    Random random_;
    metrics::Gauge& watches_;
    metrics::Counter& refused_watches_;
};

}  // namespace farhold::apiserver
