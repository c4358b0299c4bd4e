// SPDX-License-Identifier: Apache-2.0
//
// A request to the embedded API as it comes out of HTTP: "METHOD TARGET", Accept, Content-Type, then
// the body. Whatever it is, the answer is a JSON document, never blames the server, and a request
// that is refused has changed nothing. Nor is the body a token that stands for anybody.
#include "cloudcore/apiserver/http_rim.hpp"
#include "common/base/ensure.hpp"
#include "common/kuberest/api.hpp"
#include "common/kuberest/watcher.hpp"
#include "common/object/time_text.hpp"
#include "tests/support/fuzz_input.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

using namespace farhold;
using namespace farhold::kuberest;

namespace {

constexpr std::string_view kPod =
    R"({"metadata":{"name":"a","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}})";
constexpr std::string_view kConfigMap = R"({"metadata":{"name":"a"},"data":{"k":"v"}})";

Request made(std::string method, std::string_view target, std::string_view body) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = target;
    request.body = body;
    return apiserver::translate(request, {"admin", {"system:masters"}}).value();
}

// The API over a store in memory that holds a few objects.
class World {
public:
    World()
        : store_(kubestore::Store::open(":memory:").value()),
          api_(
              *store_, kubeschema::Registry::built_in(), Random(7),
              AccountTokens(pki::PrivateKey::generate())
          ) {
        (void)ask(made("POST", "/api/v1/namespaces", R"({"metadata":{"name":"default"}})"));
        (void)ask(made("POST", "/api/v1/namespaces/default/pods", kPod));
        (void)ask(made("POST", "/api/v1/namespaces/default/configmaps", kConfigMap));
    }

    Response ask(const Request& request) {
        Response response = api_.handle(request, now_);
        ensure(store_->commit().has_value(), "what was written is committed");
        return response;
    }

    kubestore::Revision revision() const { return store_->revision(); }
    WallTime now() const { return now_; }

private:
    std::unique_ptr<kubestore::Store> store_;
    Api api_;
    WallTime now_ = object::parse_time("2026-05-04T03:02:01Z").value();
};

// Upstream answers these with 500, and so do we.
bool is_upstreams_fault(std::string_view message) {
    return message.contains("resourceVersion") || message.contains("patch") ||
           message.contains("merge key") || message.starts_with("target.");
}

void check_answer(const Response& response) {
    const auto document = json::Value::parse(response.body);
    if (response.content_type.starts_with("application/json")) {
        ensure(document.has_value(), "an answer is a JSON document");
    }
    // What is no path of ours is answered as upstream answers it.
    const bool no_path = response.code == 404 && response.body == "404 page not found\n";
    if (response.code >= 400 && !no_path) {
        ensure(document && document->text_at({"kind"}) == "Status", "a refusal is a Status");
        ensure(document->integer_at({"code"}) == response.code, "with its code");
        const std::string_view message = document->text_at({"message"});
        ensure(!message.empty(), "and a sentence");
        ensure(
            response.code < 500 || response.code == 504 || is_upstreams_fault(message),
            "no request is the server's fault"
        );
    }
}

void check_watch(Response& response, WallTime now) {
    for (int polls = 0; polls < 3; ++polls) {
        auto lines = response.watcher->poll(now);
        std::string_view text = lines.text;
        while (!text.empty()) {
            const std::string_view line = text.substr(0, text.find('\n'));
            text.remove_prefix(line.size() + 1);
            const auto event = json::Value::parse(line);
            ensure(event && event->find("object") != nullptr, "an event a line");
        }
        (void)response.watcher->bookmark();
        if (lines.ended) {
            return;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    net::HttpRequest request;
    const std::string_view first = in.line();
    const std::size_t space = first.find(' ');
    if (space == std::string_view::npos) {
        return 0;
    }
    request.method = first.substr(0, space);
    request.target = first.substr(space + 1);
    request.headers.add("Accept", std::string(in.line()));
    request.headers.add("Content-Type", std::string(in.line()));
    request.body = in.rest();
    const auto asked = apiserver::translate(request, {"admin", {"system:masters"}});
    if (!asked) {
        ensure(asked.error().code() == ErrorCode::invalid_argument, "no proper target");
        return 0;
    }
    World world;
    if (!request.body.empty()) {
        Request stranger = *asked;
        stranger.user = {};
        stranger.bearer_token = request.body;
        ensure(world.ask(stranger).code == 401, "nobody guesses a token");
    }
    const kubestore::Revision before = world.revision();
    Response response = world.ask(*asked);
    if (response.watcher) {
        check_watch(response, world.now());
        return 0;
    }
    check_answer(response);
    ensure(response.code < 400 || world.revision() == before, "a refusal changes nothing");
    ensure(asked->method != "GET" || world.revision() == before, "nor does a question");
    return 0;
}
