// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/embedded_client.hpp"

#include "cloudcore/apiserver/watch_feed.hpp"
#include "common/kubeapi/rest_requests.hpp"

#include <chrono>
#include <utility>

namespace farhold::apiserver {
namespace {

using kubeapi::ListOptions;
using kubeapi::ResourceRef;
using kubeapi::WatchEvent;
using kuberest::Request;

// There is nobody who could have gone away, so nothing is gained by starting over.
constexpr Duration kLongestWatch = std::chrono::hours(24 * 365);

Request to_request(kubeapi::RestRequest wanted) {
    Request request;
    request.method = std::move(wanted.method);
    request.path = std::move(wanted.path);
    request.query = std::move(wanted.query);
    request.content_type = std::move(wanted.content_type);
    request.accept = std::move(wanted.accept);
    request.body = std::move(wanted.body);
    request.user = {"system:cloudcore", {"system:masters", "system:authenticated"}};
    return request;
}

class EmbeddedWatch final : public kubeapi::WatchStream {
public:
    EmbeddedWatch(
        StoreQueue& queue, const Clock& clock, Executor executor,
        std::unique_ptr<kuberest::Watcher> watcher
    )
        : feed_(queue, clock, std::move(executor), std::move(watcher), kLongestWatch) {}

    Task<Result<WatchEvent>> next() override {
        while (position_ == text_.size()) {
            if (ended_) {
                co_return fail(ErrorCode::unavailable, "watch ended");
            }
            WatchFeed::Piece piece = co_await feed_.next();
            text_ = std::move(piece.text);
            position_ = 0;
            ended_ = piece.last;
        }
        const std::size_t end = text_.find('\n', position_);
        Result<json::Value> line =
            json::Value::parse(std::string_view(text_).substr(position_, end - position_));
        position_ = end + 1;
        co_return line ? kubeapi::read_watch_event(std::move(*line)) : fail(line.error());
    }

private:
    WatchFeed feed_;
    std::string text_;
    std::size_t position_ = 0;
    bool ended_ = false;
};

}  // namespace

EmbeddedClient::EmbeddedClient(Executor executor, StoreQueue& queue, const Clock& clock)
    : executor_(std::move(executor)), queue_(queue), clock_(clock) {}

Task<Result<json::Value>> EmbeddedClient::ask(kubeapi::RestRequest request) {
    const kuberest::Response response = co_await queue_.handle(to_request(std::move(request)));
    co_return kubeapi::read_answer(response.code, response.body);
}

Task<Result<std::unique_ptr<kubeapi::WatchStream>>> EmbeddedClient::watch(
    ResourceRef resource, ListOptions options, std::string resource_version
) {
    Request request = to_request(kubeapi::watch_request(resource, options, resource_version));
    kuberest::Response response = co_await queue_.handle(std::move(request));
    if (!response.watcher) {
        co_return fail(kubeapi::read_answer(response.code, response.body).error());
    }
    co_return std::make_unique<EmbeddedWatch>(
        queue_, clock_, executor_, std::move(response.watcher)
    );
}

}  // namespace farhold::apiserver
