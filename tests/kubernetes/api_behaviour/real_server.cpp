// SPDX-License-Identifier: Apache-2.0
#include "real_server.hpp"

#include "common/async/timeout.hpp"
#include "common/base/encoding.hpp"
#include "tests/support/rig/cloud.hpp"

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

namespace farhold::api_behaviour {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 30s;

test::ClusterOptions options(const std::string& folder) {
    test::ClusterOptions made;
    made.folder = folder + "/cluster";
    made.controllers = false;
    made.api_server_flags = {
        "--allow-privileged",
        // In standalone mode a controller looks after the taints.
        "--disable-admission-plugins=TaintNodesByCondition",
    };
    return made;
}

net::HttpRequest to_http(const Question& question) {
    net::HttpRequest request;
    request.method = question.method;
    request.target = question.path();
    char separator = '?';
    for (const auto& [key, value] : question.query()) {
        request.target += separator + percent_encode(key) + "=" + percent_encode(value);
        separator = '&';
    }
    const auto add = [&request](const char* name, const std::string& value) {
        if (!value.empty()) request.headers.add(name, value);
    };
    add("Accept", question.accept);
    add("If-None-Match", question.if_none_match);
    if (!question.body.empty() || question.method == "PATCH") {
        add("Content-Type", question.content_type);
    }
    request.body = question.body;
    return request;
}

// Runs the task on the loop until it has ended.
template <class T>
Result<T> run(boost::asio::io_context& loop, Task<Result<T>> task) {
    std::optional<Result<T>> result;
    std::exception_ptr failure;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, Result<T> value) {
        failure = std::move(thrown);
        result.emplace(std::move(value));
    });
    loop.restart();
    while (!result) loop.run_one();
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

template <class T>
T value_of(Result<T> result, const Question& question) {
    if (!result) {
        throw std::runtime_error(
            question.method + " " + question.target + ": " + std::string(result.error().message())
        );
    }
    return std::move(*result);
}

class RealWatch final : public Watch {
public:
    RealWatch(
        boost::asio::io_context& loop, std::unique_ptr<net::HttpStream> stream, Question asked
    )
        : loop_(loop), stream_(std::move(stream)), asked_(std::move(asked)) {}

    json::Value next() override {
        std::size_t end = unread_.find('\n');
        while (end == std::string::npos) {
            std::string more =
                value_of(run(loop_, with_timeout(stream_->next(), kPatience)), asked_);
            if (more.empty()) return {};
            unread_ += more;
            end = unread_.find('\n');
        }
        const json::Value event = json::Value::parse(unread_.substr(0, end)).value();
        unread_.erase(0, end + 1);
        return event;
    }

private:
    boost::asio::io_context& loop_;
    std::unique_ptr<net::HttpStream> stream_;
    Question asked_;
    std::string unread_;
};

}  // namespace

RealServer& RealServer::the_one() {
    static RealServer server;
    return server;
}

RealServer::RealServer()
    : cluster_(options(folder_.path())),
      administrator_({"127.0.0.1", static_cast<std::uint16_t>(cluster_.api_port())}),
      stranger_({"127.0.0.1", static_cast<std::uint16_t>(cluster_.api_port())}) {
    net::TlsClientConfig tls;
    tls.ca_pem = test::read_text(cluster_.credentials().ca_file());
    tls.server_name = "127.0.0.1";
    tls.trusted_now = [] { return std::chrono::system_clock::now(); };
    stranger_.use_tls(tls).value();
    const auto user = cluster_.credentials().user("admin", {"system:masters"});
    tls.certificate_pem = user.certificate_pem;
    tls.private_key_pem = user.key_pem;
    administrator_.use_tls(tls).value();
    cluster_.start();
    test::wait_until("the namespaces are there", kPatience, [this] {
        return ask({.target = "/api/v1/namespaces"}).body.elements_at({"items"}).size() == 4;
    });
    minor_ = std::stoll(ask({.target = "/version"}).text_at({"minor"}));
}

Answer RealServer::ask(const Question& question) {
    net::HttpPool& pool = question.anonymous ? stranger_ : administrator_;
    net::HttpResponse response = value_of(run(loop_, pool.request(to_http(question))), question);
    Answer answer;
    answer.code = response.status;
    answer.content_type = response.headers.get("Content-Type");
    for (const auto& [name, value] : response.headers.fields()) {
        for (const char* known : {"Warning", "ETag", "Retry-After"}) {
            if (net::HttpHeaders({{known, ""}}).has(name))
                answer.headers.emplace_back(known, value);
        }
    }
    answer.body = json::Value::parse(response.body).value_or(json::Value());
    answer.text = std::move(response.body);
    return answer;
}

std::unique_ptr<Watch> RealServer::watch(const Question& question) {
    auto stream = value_of(run(loop_, administrator_.open(to_http(question))), question);
    if (stream->status() != 200) throw std::runtime_error("no watch: " + question.target);
    return std::make_unique<RealWatch>(loop_, std::move(stream), question);
}

void RealServer::clear() {
    static const std::set<std::string_view> kept = {
        "default", "kube-node-lease", "kube-public", "kube-system"
    };
    remove_definitions();
    remove_all("/api/v1/nodes");
    const Answer namespaces = ask({.target = "/api/v1/namespaces"});
    for (const json::Value& found : namespaces.body.elements_at({"items"})) {
        const std::string name(found.text_at({"metadata", "name"}));
        const std::string path = "/api/v1/namespaces/" + name;
        if (name != "default" && kept.contains(name)) continue;
        for (const char* kind : {"configmaps", "events", "pods", "secrets", "serviceaccounts"}) {
            remove_all(path + "/" + kind);
        }
        remove_all("/apis/coordination.k8s.io/v1/namespaces/" + name + "/leases");
        if (kept.contains(name)) continue;
        ask({.method = "DELETE", .target = path});
        ask({
            .method = "PUT",
            .target = path + "/finalize",
            .body = R"({"metadata":{"name":")" + name + R"("},"spec":{"finalizers":[]}})",
        });
    }
    ask(default_account());
}

void RealServer::wait_until_served(const Question& question) {
    test::wait_until(question.target + " is served", kPatience, [this, &question] {
        return ask(question).code == 200;
    });
}

// They are gone when their resources are.
void RealServer::remove_definitions() {
    const std::string all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const Answer definitions = ask({.target = all});
    for (const json::Value& found : definitions.body.elements_at({"items"})) {
        const std::string path = all + "/" + std::string(found.text_at({"metadata", "name"}));
        const std::string group(found.text_at({"spec", "group"}));
        ask({.method = "DELETE", .target = path});
        test::wait_until(path + " is gone", kPatience, [&] {
            return ask({.target = path}).code == 404 &&
                   ask({.target = "/apis/" + group}).code == 404;
        });
    }
}

// What then still waits for its finalizers is freed from them.
void RealServer::remove_all(const std::string& collection) {
    ask({.method = "DELETE", .target = collection, .body = R"({"gracePeriodSeconds":0})"});
    const Answer left = ask({.target = collection});
    for (const json::Value& object : left.body.elements_at({"items"})) {
        ask({
            .method = "PATCH",
            .target = collection + "/" + std::string(object.text_at({"metadata", "name"})),
            .body = R"({"metadata":{"finalizers":null}})",
            .content_type = "application/merge-patch+json",
        });
    }
}

}  // namespace farhold::api_behaviour
