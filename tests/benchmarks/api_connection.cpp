// SPDX-License-Identifier: Apache-2.0
#include "api_connection.hpp"

#include "common/base/time.hpp"
#include "common/kubeconfig/kubeconfig.hpp"
#include "common/net/dial.hpp"
#include "common/net/endpoint.hpp"
#include "tests/support/rig/cloud.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace farhold::bench {

namespace {

template <class T>
T value_of(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message());
    return std::move(*result);
}

std::size_t to_number(std::string_view text, int base) {
    std::size_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (parsed.ec != std::errc()) throw std::runtime_error("not a number: " + std::string(text));
    return number;
}

}  // namespace

ApiAccess api_access(const std::string& kubeconfig) {
    const auto config = value_of(kubeconfig::parse(test::read_text(kubeconfig), kubeconfig));
    constexpr std::string_view kScheme = "https://";
    ApiAccess access;
    access.server = value_of(net::parse_endpoint(config.server.substr(kScheme.size())));
    net::TlsClientConfig tls;
    tls.ca_pem = config.ca_pem;
    tls.server_name = access.server.host;
    tls.certificate_pem = config.client_certificate_pem;
    tls.private_key_pem = config.client_key_pem;
    tls.trusted_now = [] { return SystemClock().now().wall; };
    access.tls = value_of(net::TlsContext::for_client(std::move(tls)));
    return access;
}

Task<std::unique_ptr<ApiConnection>> ApiConnection::open(ApiAccess access) {
    auto connection = co_await net::dial(access.server, access.tls);
    if (!connection) throw std::runtime_error(connection.error().message());
    co_return std::unique_ptr<ApiConnection>(new ApiConnection(std::move(*connection)));
}

Task<ApiAnswer> ApiConnection::ask(std::string method, std::string target, std::string body) {
    co_await send(std::move(method), std::move(target), std::move(body));
    const Head head = co_await read_head();
    ApiAnswer answer;
    answer.status = head.status;
    if (head.chunked) {
        while (co_await read_chunk(answer.body)) {}
    } else {
        unread_.reserve(head.length);
        while (unread_.size() < head.length) {
            if (!co_await read_more()) throw std::runtime_error("the API closed the connection");
        }
        answer.body = unread_.substr(0, head.length);
        unread_.erase(0, head.length);
    }
    co_return answer;
}

Task<> ApiConnection::begin_watch(std::string target) {
    co_await send("GET", std::move(target), {});
    const Head head = co_await read_head();
    if (head.status != 200 || !head.chunked) {
        throw std::runtime_error(fmt::format("watch refused with {}", head.status));
    }
}

Task<std::optional<std::string>> ApiConnection::next_event() {
    std::size_t searched = 0;
    for (;;) {
        const auto end = events_.find('\n', searched);
        if (end != std::string::npos) {
            std::string event = events_.substr(0, end);
            events_.erase(0, end + 1);
            co_return event;
        }
        searched = events_.size();
        if (!co_await read_chunk(events_)) co_return std::nullopt;
    }
}

Task<> ApiConnection::send(std::string method, std::string target, std::string body) {
    std::string request =
        fmt::format("{} {} HTTP/1.1\r\nHost: api\r\nAccept: application/json\r\n", method, target);
    if (!body.empty()) {
        const char* type = method == "PATCH" ? "application/merge-patch+json" : "application/json";
        request += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", type, body.size());
    }
    request += "\r\n" + body;
    const auto written = co_await connection_->write(request);
    if (!written) throw std::runtime_error(written.error().message());
}

Task<ApiConnection::Head> ApiConnection::read_head() {
    std::size_t end = 0;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
        if (!co_await read_more()) throw std::runtime_error("the API closed the connection");
    }
    std::string text = unread_.substr(0, end + 2);
    unread_.erase(0, end + 4);
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    constexpr std::string_view kLength = "\r\ncontent-length: ";
    Head head;
    head.status = static_cast<int>(to_number(std::string_view(text).substr(9, 3), 10));
    head.chunked = text.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos;
    if (const auto at = text.find(kLength); at != std::string::npos) {
        head.length = to_number(std::string_view(text).substr(at + kLength.size()), 10);
    }
    co_return head;
}

Task<bool> ApiConnection::read_more() {
    std::array<char, 16384> buffer;
    const auto count = co_await connection_->read_some(buffer);
    if (!count) throw std::runtime_error(count.error().message());
    unread_.append(buffer.data(), *count);
    co_return *count > 0;
}

Task<bool> ApiConnection::read_chunk(std::string& into) {
    std::size_t line = 0;
    while ((line = unread_.find("\r\n")) == std::string::npos) {
        if (!co_await read_more()) co_return false;
    }
    const std::size_t bytes = to_number(std::string_view(unread_).substr(0, line), 16);
    const std::size_t whole = line + 2 + bytes + 2;
    while (unread_.size() < whole) {
        if (!co_await read_more()) co_return false;
    }
    into.append(unread_, line + 2, bytes);
    unread_.erase(0, whole);
    co_return bytes > 0;
}

}  // namespace farhold::bench
