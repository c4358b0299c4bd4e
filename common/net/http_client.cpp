// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_client.hpp"

#include "common/async/timeout.hpp"
#include "common/net/dial.hpp"
#include "common/net/endpoint.hpp"
#include "common/net/http_codec.hpp"

#include <array>

namespace farhold::net {

namespace {

Error to_error(const Refusal& refusal) {
    const auto code = refusal.status == 413 ? ErrorCode::resource_exhausted : ErrorCode::corrupt;
    return {code, "the answer: " + refusal.text};
}

Task<Result<HttpResponse>> read_response(
    std::shared_ptr<Connection> connection, std::size_t body_bytes_max, bool answers_head
) {
    ResponseReader reader(body_bytes_max, answers_head);
    std::string bytes;
    std::array<char, 8192> buffer;
    for (;;) {
        const auto count = co_await connection->read_some(buffer);
        if (!count) {
            co_return fail(count.error());
        }
        bytes.append(buffer.data(), *count);
        const auto progress = *count == 0 ? reader.end_of_stream() : reader.advance(bytes);
        if (!progress) {
            co_return fail(to_error(progress.error()));
        }
        if (*progress == Progress::done) {
            co_return reader.take();
        }
    }
}

Task<Result<HttpResponse>> exchange(
    Endpoint endpoint, std::shared_ptr<const TlsContext> tls, HttpRequest request,
    std::size_t body_bytes_max
) {
    const auto connection = co_await dial(endpoint, std::move(tls));
    if (!connection) {
        co_return fail(connection.error());
    }
    const std::string bytes = encode_request(request, to_string(endpoint));
    const auto written = co_await (*connection)->write(bytes);
    if (written || written.error().code() == ErrorCode::unavailable) {
        // A server that refuses early answers before it has read everything.
        auto response =
            co_await read_response(*connection, body_bytes_max, request.method == "HEAD");
        (*connection)->close_now();
        co_return response;
    }
    co_return fail(written.error());
}

}  // namespace

Task<Result<HttpResponse>> http_request(
    Endpoint endpoint, std::optional<TlsClientConfig> tls, HttpRequest request,
    HttpClientOptions options
) {
    std::shared_ptr<const TlsContext> context;
    if (tls) {
        auto made = TlsContext::for_client(std::move(*tls));
        if (!made) {
            co_return fail(made.error());
        }
        context = std::move(*made);
    }
    const std::string what = request.method + " " + endpoint.host;
    auto response = co_await with_timeout(
        exchange(
            std::move(endpoint), std::move(context), std::move(request), options.body_bytes_max
        ),
        options.timeout
    );
    if (!response) {
        co_return fail(response.error().within(what));
    }
    co_return response;
}

}  // namespace farhold::net
