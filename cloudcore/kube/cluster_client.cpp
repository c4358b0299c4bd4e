// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/cluster_client.hpp"

#include "cloudcore/kube/retry_after.hpp"
#include "cloudcore/kube/watch_lines.hpp"
#include "common/async/timeout.hpp"
#include "common/base/encoding.hpp"
#include "common/kubeapi/initial_list.hpp"
#include "common/kubeapi/rest_requests.hpp"
#include "common/net/endpoint.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace farhold::kube {

namespace {

using kubeapi::ListOptions;
using kubeapi::ResourceRef;
using kubeapi::RestRequest;

constexpr std::string_view kScheme = "https://";
constexpr int kTriesMax = 5;
// How long a watch lasts: as long as Kubernetes' own controllers ask for, spread so that those of a
// fleet of clients do not end together.
constexpr std::uint64_t kShortestWatch = 300;
constexpr std::uint64_t kLongestWatch = 600;
// A list that comes by a watch is given up when nothing of it has come for so long.
constexpr Duration kListSilence = std::chrono::seconds(30);

// "https://HOST[:PORT]"; a path before the API's own is not supported.
Result<net::Endpoint> server_endpoint(std::string_view url) {
    const auto bad = [url] {
        return fail(
            ErrorCode::unsupported, "server \"" + std::string(url) + "\": not https://HOST[:PORT]"
        );
    };
    if (!url.starts_with(kScheme)) return bad();
    url.remove_prefix(kScheme.size());
    if (url.ends_with('/')) url.remove_suffix(1);
    auto endpoint = net::parse_endpoint(url, 443);
    return endpoint ? endpoint : bad();
}

net::HttpRequest to_http(RestRequest wanted, const std::string& token) {
    net::HttpRequest request;
    request.method = std::move(wanted.method);
    request.target = std::move(wanted.path);
    char separator = '?';
    for (const auto& [key, value] : wanted.query) {
        request.target += separator + percent_encode(key) + "=" + percent_encode(value);
        separator = '&';
    }
    request.headers.add("Accept", std::move(wanted.accept));
    request.headers.add("User-Agent", "cloudcore/" FARHOLD_VERSION);
    if (!wanted.body.empty()) {
        const bool is_json = wanted.content_type.empty();
        request.headers.add(
            "Content-Type", is_json ? "application/json" : std::move(wanted.content_type)
        );
    }
    if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
    request.body = std::move(wanted.body);
    return request;
}

// Revisions of one server are decimal numbers that rise.
std::optional<std::uint64_t> revision(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_whole = error == std::errc() && end == text.data() + text.size();
    return is_whole ? std::optional(value) : std::nullopt;
}

class ClusterWatch final : public kubeapi::WatchStream {
public:
    explicit ClusterWatch(std::unique_ptr<net::HttpStream> stream) : stream_(std::move(stream)) {}

    Task<Result<kubeapi::WatchEvent>> next() override {
        if (first_.empty()) co_return co_await read({});
        auto event = std::move(first_.back());
        first_.pop_back();
        co_return event;
    }

    // The list that it begins with, if it was asked to; after it next() goes on.
    Task<Result<kubeapi::ListResult>> read_list(const ListOptions& options) {
        kubeapi::InitialList list(options.on_read);
        while (true) {
            auto event = co_await read(kListSilence);
            if (!event) co_return fail(event.error());
            const auto is_whole = list.take(std::move(*event));
            if (!is_whole) co_return fail(is_whole.error());
            if (*is_whole) break;
        }
        auto whole = list.finish();
        first_ = std::move(whole.deleted);
        co_return std::move(whole.list);
    }

private:
    // Fails as deadline when nothing comes for longer than `silence`, if there is one.
    Task<Result<kubeapi::WatchEvent>> read(std::optional<Duration> silence) {
        while (true) {
            auto event = lines_.next();
            if (!event) co_return fail(event.error());
            if (*event) co_return std::move(**event);
            const auto piece = silence ? co_await with_timeout(stream_->next(), *silence)
                                       : co_await stream_->next();
            if (!piece) co_return fail(piece.error());
            if (piece->empty()) co_return fail(ErrorCode::unavailable, "watch ended");
            lines_.add(*piece);
        }
    }

    std::unique_ptr<net::HttpStream> stream_;
    WatchLines lines_;
    std::vector<kubeapi::WatchEvent> first_;  // Before those that are read; of different objects.
};

Task<Error> read_refusal(net::HttpStream& stream) {
    std::string body;
    while (true) {
        const auto piece = co_await stream.next();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        body += *piece;
    }
    const auto answer = kubeapi::read_answer(stream.status(), body);
    co_return answer ? Error(ErrorCode::internal, "watch: no stream") : answer.error();
}

}  // namespace

Result<std::unique_ptr<ClusterClient>> ClusterClient::open(
    ClusterConfig config, const Clock& clock, const log::Logger& logger
) {
    auto server = server_endpoint(config.kubeconfig.server);
    if (!server) return fail(server.error().within(config.source));
    std::unique_ptr<ClusterClient> client(
        new ClusterClient(std::move(*server), std::move(config), clock, logger)
    );
    auto credentials = client->credentials_.current(clock.now().mono);
    const auto used =
        credentials ? client->use(std::move(*credentials)) : fail(credentials.error());
    if (!used) return fail(used.error().within(client->config_.source));
    return client;
}

ClusterClient::ClusterClient(
    net::Endpoint server, ClusterConfig config, const Clock& clock, const log::Logger& logger
)
    : config_(std::move(config)),
      server_name_(
          config_.kubeconfig.tls_server_name.empty() ? server.host
                                                     : config_.kubeconfig.tls_server_name
      ),
      clock_(clock),
      credentials_(config_.kubeconfig),
      pool_(std::move(server)),
      random_(Random::from_system()),
      trouble_(
          logger.with({{"component", "kube"}, {"server", config_.kubeconfig.server}}),
          "the cluster's API cannot be used", "the cluster's API can be used again"
      ) {
    // What stands in the file itself goes before what a plugin would say.
    const kubeconfig::Kubeconfig& known = config_.kubeconfig;
    const bool has_own = !known.token.empty() || !known.token_file.empty() ||
                         !known.client_certificate_pem.empty() ||
                         !known.client_certificate_file.empty();
    if (known.plugin && !has_own) plugin_.emplace(known, clock_);
}

Task<Result<std::string>> ClusterClient::prepare() {
    auto credentials = credentials_.current(clock_.now().mono);
    if (!credentials) co_return fail(credentials.error());
    if (plugin_) {
        auto given = co_await plugin_->current(credentials->ca_pem);
        if (!given) co_return fail(given.error());
        credentials->token = std::move(given->token);
        credentials->certificate_pem = std::move(given->certificate_pem);
        credentials->key_pem = std::move(given->key_pem);
    }
    co_return use(std::move(*credentials));
}

void ClusterClient::refused() {
    credentials_.refused();
    if (plugin_) plugin_->refused();
}

void ClusterClient::failed(const Error& error) {
    // Who no longer wants an answer says nothing of the server.
    if (error.code() != ErrorCode::cancelled) trouble_.met(error.message(), clock_.now().mono);
}

Result<std::string> ClusterClient::use(Credentials credentials) {
    // TLS has nothing to do with it.
    std::string token = std::exchange(credentials.token, {});
    if (has_tls_ && credentials == in_use_) return token;
    net::TlsClientConfig tls;
    tls.ca_pem = credentials.ca_pem;
    tls.server_name = server_name_;
    tls.certificate_pem = credentials.certificate_pem;
    tls.private_key_pem = credentials.key_pem;
    tls.trusted_now = [&clock = clock_] { return clock.now().wall; };
    auto used = pool_.use_tls(std::move(tls));
    if (used) {
        in_use_ = std::move(credentials);
        has_tls_ = true;
    } else if (!has_tls_) {
        return fail(used.error());
    }
    return token;  // A half-written certificate is looked at again with the next change.
}

Task<Result<net::HttpResponse>> ClusterClient::ask_once(RestRequest request) {
    const auto token = co_await prepare();
    if (!token) co_return fail(token.error());
    RequestKind kind{std::move(request.verb), std::move(request.resource)};
    auto answer = co_await pool_.request(to_http(std::move(request), *token));
    if (answer) kind.code = answer->status;
    ++requests_[kind];
    co_return answer;
}

Task<Result<json::Value>> ClusterClient::ask(RestRequest request) {
    bool was_refused = false;
    for (int tries = 1;; ++tries) {
        const auto answer = co_await ask_once(request);
        if (!answer) {
            failed(answer.error());
            co_return fail(answer.error());
        }
        if (answer->status == 401) {
            refused();
            if (!std::exchange(was_refused, true)) continue;
            failed(Error(ErrorCode::unauthenticated, "401 Unauthorized: it does not know us"));
        } else if (answer->status >= 500) {
            failed(Error(ErrorCode::unavailable, "status " + std::to_string(answer->status)));
        } else {
            trouble_.over(clock_.now().mono);
        }
        const auto wait = retry_after(*answer);
        if (!wait || tries >= kTriesMax) {
            co_return kubeapi::read_answer(answer->status, answer->body);
        }
        // Up to half as much again, so that those who were turned away do not come back at once.
        const auto most = static_cast<std::uint64_t>(wait->count() / 2);
        co_await sleep_for(*wait + Duration(random_.between(0, most)));
    }
}

Task<Result<kubeapi::ListResult>> ClusterClient::list(ResourceRef resource, ListOptions options) {
    const std::string kind = resource.group + "/" + resource.plural;
    auto listed = co_await RestObjects::list(std::move(resource), std::move(options));
    if (listed) listed_[kind] = listed->resource_version;
    co_return listed;
}

Task<Result<>> ClusterClient::check_reached(
    ResourceRef resource, ListOptions options, std::string resource_version
) {
    const auto listed = listed_.extract(resource.group + "/" + resource.plural);
    if (!listed.empty() && listed.mapped() == resource_version) co_return Result<>{};
    const auto known = revision(resource_version);
    if (!known) co_return Result<>{};
    const auto page = co_await ask(kubeapi::list_request(resource, options, {}, 1));
    if (!page) co_return fail(page.error());
    const auto reached = revision(page->text_at({"metadata", "resourceVersion"}));
    if (reached && *reached < *known) {
        co_return fail(
            ErrorCode::resource_exhausted, "the server has gone back behind " + resource_version
        );
    }
    co_return Result<>{};
}

Task<Result<std::unique_ptr<kubeapi::WatchStream>>> ClusterClient::watch(
    ResourceRef resource, ListOptions options, std::string resource_version
) {
    const auto reached = co_await check_reached(resource, options, resource_version);
    if (!reached) co_return fail(reached.error());
    auto stream = co_await start_watch(kubeapi::watch_request(resource, options, resource_version));
    if (!stream) co_return fail(stream.error());
    co_return std::make_unique<ClusterWatch>(std::move(*stream));
}

Task<Result<kubeapi::ListedWatch>> ClusterClient::list_and_watch(
    ResourceRef resource, ListOptions options
) {
    if (lists_by_watch_) {
        auto listed = co_await list_by_watch(resource, options);
        const ErrorCode code = listed ? ErrorCode::cancelled : listed.error().code();
        if (code == ErrorCode::cancelled) co_return listed;
        // One that does not know what it was asked begins a watch of all and never ends the list.
        lists_by_watch_ = code != ErrorCode::unsupported && code != ErrorCode::deadline;
    }
    co_return co_await KubeClient::list_and_watch(std::move(resource), std::move(options));
}

Task<Result<kubeapi::ListedWatch>> ClusterClient::list_by_watch(
    ResourceRef resource, ListOptions options
) {
    auto stream = co_await start_watch(kubeapi::watch_list_request(resource, options));
    if (!stream) co_return fail(stream.error());
    auto watch = std::make_unique<ClusterWatch>(std::move(*stream));
    auto list = co_await watch->read_list(options);
    if (!list) co_return fail(list.error());
    co_return kubeapi::ListedWatch{std::move(*list), std::move(watch)};
}

Task<Result<std::unique_ptr<net::HttpStream>>> ClusterClient::start_watch(RestRequest request) {
    const std::uint64_t seconds = random_.between(kShortestWatch, kLongestWatch);
    request.query.emplace_back("timeoutSeconds", std::to_string(seconds));
    const auto token = co_await prepare();
    if (!token) co_return fail(token.error());
    RequestKind kind{std::move(request.verb), std::move(request.resource)};
    auto stream = co_await pool_.open(to_http(std::move(request), *token));
    if (stream) kind.code = (*stream)->status();
    ++requests_[kind];
    if (!stream) {
        failed(stream.error());
        co_return fail(stream.error());
    }
    if ((*stream)->status() != 200) {
        if ((*stream)->status() == 401) refused();
        co_return fail(co_await read_refusal(**stream));
    }
    trouble_.over(clock_.now().mono);
    co_return std::move(*stream);
}

}  // namespace farhold::kube
