// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/apiserver/embedded_client.hpp"

#include "cloudcore/apiserver/watch_feed.hpp"
#include "common/object/metadata.hpp"

#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <utility>

namespace farhold::apiserver {
namespace {

using kubeapi::ListOptions;
using kubeapi::ResourceRef;
using kubeapi::WatchEvent;
using kuberest::Request;

// One answer stays small enough to be parsed between two events of the loop.
constexpr std::string_view kPageLimit = "500";

// There is nobody who could have gone away, so nothing is gained by starting over.
constexpr Duration kLongestWatch = std::chrono::hours(24 * 365);

Request request_for(
    std::string method, const ResourceRef& resource, std::string_view ns,
    std::string_view name = {}, std::string_view subresource = {}
) {
    Request request;
    request.method = std::move(method);
    request.path = resource.group.empty() ? "/api" : "/apis/" + resource.group;
    request.path += "/" + resource.version;
    if (!ns.empty()) {
        request.path.append("/namespaces/").append(ns);
    }
    request.path += "/" + resource.plural;
    if (!name.empty()) {
        request.path.append("/").append(name);
    }
    if (!subresource.empty()) {
        request.path.append("/").append(subresource);
    }
    request.user = {"system:cloudcore", {"system:masters", "system:authenticated"}};
    return request;
}

void select(Request& request, const ListOptions& options) {
    if (!options.label_selector.empty()) {
        request.query.emplace_back("labelSelector", options.label_selector);
    }
    if (!options.field_selector.empty()) {
        request.query.emplace_back("fieldSelector", options.field_selector);
    }
}

Error error_of_status(const json::Value& body, int code) {
    kuberest::Status status;
    status.code = code;
    status.reason = body.text_at({"reason"});
    status.message = body.text_at({"message"}, "refused without a message");
    return status.to_error();
}

Result<json::Value> body_of(const kuberest::Response& response) {
    Result<json::Value> body = json::Value::parse(response.body);
    if (response.code < 400) {
        return body;
    }
    return fail(error_of_status(body.value_or(json::Value()), response.code));
}

std::string_view content_type_of(kubeapi::PatchType type) {
    switch (type) {
        case kubeapi::PatchType::json:
            return "application/json-patch+json";
        case kubeapi::PatchType::merge:
            return "application/merge-patch+json";
        case kubeapi::PatchType::strategic_merge:
            return "application/strategic-merge-patch+json";
    }
    return "";
}

json::Value deletion_body(const kubeapi::DeleteOptions& options) {
    json::Value body = json::Value::make_object();
    if (options.grace_period_seconds) {
        body.set("gracePeriodSeconds", json::Value::of(*options.grace_period_seconds));
    }
    if (!options.uid.empty()) {
        body.ensure_path({"preconditions", "uid"}) = json::Value::of(options.uid);
    }
    if (!options.resource_version.empty()) {
        body.ensure_path({"preconditions", "resourceVersion"}) =
            json::Value::of(options.resource_version);
    }
    return body;
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
        co_return line ? event_of(std::move(*line)) : fail(line.error());
    }

private:
    static Result<WatchEvent> event_of(json::Value line) {
        const std::string type(line.text_at({"type"}));
        json::Value& object = line["object"];
        if (type == "ERROR") {
            return fail(error_of_status(object, static_cast<int>(object.integer_at({"code"}, 500)))
            );
        }
        WatchEvent event{WatchEvent::Type::modified, nullptr};
        if (type == "ADDED") {
            event.type = WatchEvent::Type::added;
        } else if (type == "DELETED") {
            event.type = WatchEvent::Type::deleted;
        } else if (type == "BOOKMARK") {
            event.type = WatchEvent::Type::bookmark;
        }
        event.object = std::make_shared<const json::Value>(std::move(object));
        return event;
    }

    WatchFeed feed_;
    std::string text_;
    std::size_t position_ = 0;
    bool ended_ = false;
};

}  // namespace

EmbeddedClient::EmbeddedClient(Executor executor, StoreQueue& queue, const Clock& clock)
    : executor_(std::move(executor)), queue_(queue), clock_(clock) {}

Task<Result<json::Value>> EmbeddedClient::ask(Request request) {
    const kuberest::Response response = co_await queue_.handle(std::move(request));
    co_return body_of(response);
}

Task<Result<json::Value>> EmbeddedClient::get(
    ResourceRef resource, std::string ns, std::string name
) {
    Request request = request_for("GET", resource, ns, name);
    co_return co_await ask(std::move(request));
}

Task<Result<kubeapi::ListResult>> EmbeddedClient::list(ResourceRef resource, ListOptions options) {
    kubeapi::ListResult result;
    std::string token;
    do {
        Request request = request_for("GET", resource, options.ns);
        select(request, options);
        request.query.emplace_back("limit", kPageLimit);
        if (!token.empty()) {
            request.query.emplace_back("continue", token);
        }
        Result<json::Value> page = co_await ask(std::move(request));
        if (!page) {
            co_return fail(page.error());
        }
        for (json::Value& item : (*page)["items"].array()) {
            result.items.push_back(std::make_shared<const json::Value>(std::move(item)));
        }
        result.resource_version = page->text_at({"metadata", "resourceVersion"});
        token = page->text_at({"metadata", "continue"});
    } while (!token.empty());
    co_return result;
}

Task<Result<std::unique_ptr<kubeapi::WatchStream>>> EmbeddedClient::watch(
    ResourceRef resource, ListOptions options, std::string resource_version
) {
    Request request = request_for("GET", resource, options.ns);
    select(request, options);
    request.query.emplace_back("watch", "true");
    request.query.emplace_back("allowWatchBookmarks", "true");
    request.query.emplace_back("resourceVersion", std::move(resource_version));
    kuberest::Response response = co_await queue_.handle(std::move(request));
    if (!response.watcher) {
        co_return fail(body_of(response).error());
    }
    co_return std::make_unique<EmbeddedWatch>(
        queue_, clock_, executor_, std::move(response.watcher)
    );
}

Task<Result<json::Value>> EmbeddedClient::create(
    ResourceRef resource, std::string ns, json::Value object, std::string subresource
) {
    const std::string_view name = subresource.empty() ? std::string_view() : object::name(object);
    Request request = request_for("POST", resource, ns, name, subresource);
    request.body = object.dump();
    co_return co_await ask(std::move(request));
}

Task<Result<json::Value>> EmbeddedClient::update(
    ResourceRef resource, std::string ns, json::Value object, std::string subresource
) {
    Request request = request_for("PUT", resource, ns, object::name(object), subresource);
    request.body = object.dump();
    co_return co_await ask(std::move(request));
}

Task<Result<json::Value>> EmbeddedClient::patch(
    ResourceRef resource, std::string ns, std::string name, kubeapi::Patch patch
) {
    Request request = request_for("PATCH", resource, ns, name, patch.subresource);
    request.content_type = content_type_of(patch.type);
    request.body = patch.body.dump();
    co_return co_await ask(std::move(request));
}

Task<Result<void>> EmbeddedClient::remove(
    ResourceRef resource, std::string ns, std::string name, kubeapi::DeleteOptions options
) {
    Request request = request_for("DELETE", resource, ns, name);
    request.body = deletion_body(options).dump();
    const Result<json::Value> done = co_await ask(std::move(request));
    if (!done) {
        co_return fail(done.error());
    }
    co_return Result<void>();
}

}  // namespace farhold::apiserver
