// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/http_rim.hpp"

#include "cloudcore/apiserver/watch_feed.hpp"
#include "common/base/encoding.hpp"
#include "common/base/url_text.hpp"

#include <chrono>
#include <optional>
#include <utility>

namespace farhold::apiserver {
namespace {

// Each is a connection with a TLS session.
constexpr std::int64_t kWatchesMax = 2'000;

// A watch without a time limit of its own ends by chance, so that clients do not return together.
constexpr std::uint64_t kWatchMinutesLow = 30;
constexpr std::uint64_t kWatchMinutesHigh = 60;

// Counts what is running, also when the coroutine is unwound.
class Running {
public:
    explicit Running(metrics::Gauge& count) : count_(count) { count_.add(1); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { count_.add(-1); }

private:
    metrics::Gauge& count_;
};

// "Bearer TOKEN"; nothing when it is of another scheme, which we cannot check.
std::optional<std::string_view> bearer_token(std::string_view authorization) {
    constexpr std::string_view kScheme = "Bearer ";
    if (!authorization.starts_with(kScheme) || authorization.size() == kScheme.size()) {
        return std::nullopt;
    }
    return authorization.substr(kScheme.size());
}

net::HttpResponse http_response(kuberest::Response response) {
    net::HttpResponse answer;
    answer.status = response.code;
    if (!response.content_type.empty()) {
        answer.headers.add("Content-Type", std::move(response.content_type));
    }
    bool cached = false;
    for (auto& [name, value] : response.headers) {
        cached = cached || name == "Cache-Control";
        answer.headers.add(std::move(name), std::move(value));
    }
    if (!cached) {
        answer.headers.add("Cache-Control", "no-cache, private");
    }
    answer.body = std::move(response.body);
    return answer;
}

}  // namespace

kuberest::UserInfo user_of(const net::PeerIdentity& peer) {
    if (!peer.has_certificate || peer.expired_only) {
        return {};
    }
    kuberest::UserInfo user{peer.subject_cn, peer.organizations};
    user.groups.emplace_back("system:authenticated");
    return user;
}

Result<kuberest::Request> translate(const net::HttpRequest& request, kuberest::UserInfo user) {
    Result<std::string> path = percent_decode(request.path(), false);
    if (!path) {
        return fail(path.error());
    }
    Result<kuberest::Query> query = parse_query(request.query());
    if (!query) {
        return fail(query.error());
    }
    kuberest::Request translated;
    translated.method = request.method;
    translated.path = std::move(*path);
    translated.query = std::move(*query);
    translated.content_type = request.headers.get("Content-Type");
    translated.accept = request.headers.get("Accept");
    translated.if_none_match = request.headers.get("If-None-Match");
    translated.host = request.headers.get("Host");
    translated.body = request.body;
    translated.user = std::move(user);
    return translated;
}

HttpRim::HttpRim(
    Executor executor, StoreQueue& queue, reach::NodeCalls& machines, const Clock& clock,
    metrics::Registry& metrics
)
    : executor_(std::move(executor)),
      queue_(queue),
      machines_(machines),
      clock_(clock),
      random_(Random::from_system()),
      watches_(metrics.gauge("farhold_api_watches", "Watches that run over HTTP.")),
      refused_watches_(metrics.counter(
          "farhold_api_refused_watches_total", "Watches refused because there are too many."
      )) {}

Task<> HttpRim::serve(net::HttpExchange& exchange) {
    kuberest::UserInfo user = user_of(exchange.peer());
    const bool anonymous = user.in_group("system:unauthenticated");
    std::optional<std::string_view> token = "";
    if (anonymous && exchange.request().headers.has("Authorization")) {
        token = bearer_token(exchange.request().headers.get("Authorization"));
    }
    // A credential that we cannot check is refused, not ignored.
    if (!token) {
        net::HttpResponse refused = http_response(kuberest::Api::refusal(kuberest::unauthorized()));
        static_cast<void>(co_await exchange.respond(std::move(refused)));
        co_return;
    }
    Result<kuberest::Request> request = translate(exchange.request(), std::move(user));
    if (!request) {
        net::HttpResponse refused =
            http_response(kuberest::Api::refusal(kuberest::bad_request(request.error().message())));
        static_cast<void>(co_await exchange.respond(std::move(refused)));
        co_return;
    }
    request->bearer_token = *token;
    kuberest::Response response = co_await queue_.handle(std::move(*request));
    if (response.node_request) {
        co_await ask_machine(exchange, std::move(*response.node_request));
        co_return;
    }
    if (response.watcher && watches_.value() >= kWatchesMax) {
        refused_watches_.add();
        response = kuberest::Api::refusal(kuberest::too_many("watches"));
    }
    if (response.watcher) {
        co_await stream(exchange, std::move(response));
        co_return;
    }
    // A peer that has gone away does not want to hear of it.
    net::HttpResponse answer = http_response(std::move(response));
    static_cast<void>(co_await exchange.respond(std::move(answer)));
}

Task<> HttpRim::ask_machine(net::HttpExchange& exchange, kuberest::NodeRequest asked) {
    reach::NodeCall call{
        .node = std::move(asked.node),
        .target = std::move(asked.target),
        .user = std::move(asked.user),
        .is_proxy = asked.is_proxy,
    };
    const auto refusal = [](int status, const std::string& message) {
        return http_response(kuberest::Api::refusal(kuberest::machine_error(status, message)));
    };
    co_await machines_.serve(exchange, std::move(call), true, refusal);
}

Task<> HttpRim::stream(net::HttpExchange& exchange, kuberest::Response response) {
    const Running running(watches_);
    const std::chrono::minutes longest(random_.between(kWatchMinutesLow, kWatchMinutesHigh));
    WatchFeed feed(queue_, clock_, executor_, std::move(response.watcher), longest);
    net::HttpHeaders headers{
        {"Content-Type", response.content_type}, {"Cache-Control", "no-cache, private"}
    };
    // At once, also without an event: clients time the head of the answer.
    const Result<void> begun = co_await exchange.begin_stream(200, std::move(headers));
    if (!begun) {
        co_return;
    }
    while (true) {
        const WatchFeed::Piece piece = co_await feed.next();
        if (!piece.text.empty()) {
            const Result<void> written = co_await exchange.write_chunk(piece.text);
            if (!written) {
                co_return;
            }
        }
        if (piece.last) {
            static_cast<void>(co_await exchange.end_stream());
            co_return;
        }
    }
}

}  // namespace farhold::apiserver
