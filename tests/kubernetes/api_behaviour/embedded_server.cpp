// SPDX-License-Identifier: Apache-2.0
#include "embedded_server.hpp"

#include "common/kuberest/account_tokens.hpp"
#include "common/kuberest/watcher.hpp"
#include "common/pki/key.hpp"

#include <stdexcept>
#include <utility>

namespace farhold::api_behaviour {
namespace {

class EmbeddedWatch final : public Watch {
public:
    EmbeddedWatch(std::unique_ptr<kuberest::Watcher> watcher, const std::function<WallTime()>& now)
        : watcher_(std::move(watcher)), now_(now) {}

    json::Value next() override {
        // The initial state and what came since are told by two calls.
        for (int i = 0; i < 2 && unread_.empty() && !ended_; ++i) {
            kuberest::Watcher::Lines lines = watcher_->poll(now_());
            unread_ = std::move(lines.text);
            ended_ = lines.ended;
        }
        if (unread_.empty()) {
            if (ended_) return {};
            throw std::runtime_error("the watch has nothing to tell");
        }
        const std::size_t end = unread_.find('\n');
        const json::Value event = json::Value::parse(unread_.substr(0, end)).value();
        unread_.erase(0, end + 1);
        return event;
    }

private:
    std::unique_ptr<kuberest::Watcher> watcher_;
    const std::function<WallTime()>& now_;
    std::string unread_;
    bool ended_ = false;
};

}  // namespace

EmbeddedServer::EmbeddedServer(std::function<WallTime()> now)
    : now_(std::move(now)),
      store_(kubestore::Store::open(":memory:").value()),
      api_(
          *store_, kubeschema::Registry::built_in(), Random(7),
          kuberest::AccountTokens(pki::PrivateKey::generate())
      ) {
    for (const std::string name : {"default", "kube-node-lease", "kube-public", "kube-system"}) {
        Question made{.method = "POST", .target = "/api/v1/namespaces"};
        made.body = R"({"metadata":{"name":")" + name + R"("}})";
        ask(made);
    }
    ask(default_account());
}

kuberest::Response EmbeddedServer::handle(const Question& question) {
    kuberest::Request request;
    request.method = question.method;
    request.path = question.path();
    request.query = question.query();
    request.content_type = question.content_type;
    request.accept = question.accept;
    request.if_none_match = question.if_none_match;
    request.body = question.body;
    if (!question.anonymous) request.user = {"admin", {"system:masters", "system:authenticated"}};
    kuberest::Response response = api_.handle(request, now_());
    if (!store_->commit()) throw std::runtime_error("the store does not commit");
    return response;
}

Answer EmbeddedServer::ask(const Question& question) {
    kuberest::Response response = handle(question);
    Answer answer;
    answer.code = response.code;
    answer.content_type = response.content_type;
    answer.headers = std::move(response.headers);
    answer.body = json::Value::parse(response.body).value_or(json::Value());
    answer.text = std::move(response.body);
    return answer;
}

std::unique_ptr<Watch> EmbeddedServer::watch(const Question& question) {
    kuberest::Response response = handle(question);
    if (!response.watcher) throw std::runtime_error("no watch: " + response.body);
    return std::make_unique<EmbeddedWatch>(std::move(response.watcher), now_);
}

}  // namespace farhold::api_behaviour
