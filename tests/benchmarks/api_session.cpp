// SPDX-License-Identifier: Apache-2.0
#include "api_session.hpp"

#include "common/async/event.hpp"

#include <boost/asio/detached.hpp>
#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace farhold::bench {

namespace {

Task<> open(ApiAccess access, std::unique_ptr<ApiConnection>& into) {
    into = co_await ApiConnection::open(std::move(access));
}

Task<> exchange(
    ApiConnection& connection, std::string method, std::string target, std::string body,
    ApiAnswer& into
) {
    into = co_await connection.ask(std::move(method), std::move(target), std::move(body));
}

json::Value parse(const std::string& text) {
    auto value = json::Value::parse(text);
    if (!value) throw std::runtime_error(value.error().message());
    return std::move(*value);
}

}  // namespace

ApiSession::ApiSession(const ApiAccess& access) {
    run_on(loop_, open(access, connection_));
}

json::Value ApiSession::ask(std::string method, std::string target, std::string body) {
    const std::string what = method + " " + target;
    ApiAnswer answer;
    run_on(
        loop_, exchange(*connection_, std::move(method), std::move(target), std::move(body), answer)
    );
    if (answer.status == 404) return {};
    if (answer.status < 200 || answer.status > 299) {
        throw std::runtime_error(fmt::format("{}: {} {}", what, answer.status, answer.body));
    }
    return parse(answer.body);
}

ApiWatch::ApiWatch(
    ApiAccess access, std::string collection, std::function<void(const json::Value&)> seen
)
    : access_(std::move(access)), target_(collection + "?watch=true"), seen_(std::move(seen)) {
    thread_ = std::thread([this] {
        boost::asio::co_spawn(loop_, follow(), boost::asio::detached);
        loop_.run();
    });
}

ApiWatch::~ApiWatch() {
    loop_.stop();
    thread_.join();
}

Task<> ApiWatch::follow() {
    Event pause(co_await this_executor);
    for (;;) {
        try {
            const auto connection = co_await ApiConnection::open(access_);
            co_await connection->begin_watch(target_);
            while (const auto event = co_await connection->next_event()) seen_(parse(*event));
        } catch (const std::exception&) {
            // The API is away for a while: that is measured, not an error.
        }
        co_await pause.wait_for(std::chrono::milliseconds(50));
    }
}

}  // namespace farhold::bench
